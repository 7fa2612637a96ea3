import { z } from 'zod'

/** A table, view or foreign table, with the facts that decide what the application may read. */
const relation = z.object({
  kind: z.literal('relation'),
  name: z.string(),
  oid: z.string(),
  /** The name without the schema. */
  relname: z.string(),
  relkind: z.enum(['r', 'p', 'v', 'm', 'f']),
  owner: z.string(),
  /** Whether the owner is a superuser or has BYPASSRLS. No policy applies to code that runs as such an owner. */
  ownerBypasses: z.boolean(),
  enabled: z.boolean(),
  forced: z.boolean(),
  /** The tenant column, quoted if necessary. */
  column: z.string().nullable(),
  /** Whether the login role, or some role that it can become, may read or write the relation. */
  inReach: z.boolean(),
  /** Whether the relation is a view that reads with its caller's rights. */
  invoker: z.boolean(),
  /** Tables and views that a view reads. */
  reads: z.array(z.string()),
  parents: z.array(z.string()),
  grants: z.string().nullable(),
  definition: z.string().nullable(),
})

const policy = z.object({
  kind: z.literal('policy'),
  name: z.string(),
  table: z.string(),
  permissive: z.boolean(),
  /** `*`, `r`, `a`, `w` or `d`, as in pg_policy.polcmd. */
  command: z.string(),
  /** Role names; empty: PUBLIC. */
  roles: z.array(z.string()),
  inReach: z.boolean(),
  /** Whether the policy applies to every role in reach (docs/glossary.md) that has privileges on the table. */
  coversReach: z.boolean(),
  using: z.string().nullable(),
  check: z.string().nullable(),
  /** The only column of the table that the policy reads, quoted if necessary. Null if the policy reads several columns or none. */
  column: z.string().nullable(),
  /** Names of all functions that the policy calls, directly or through other functions. */
  functions: z.array(z.string()),
})

const trigger = z.object({
  kind: z.literal('trigger'),
  name: z.string(),
  table: z.string(),
  type: z.number(),
  enabled: z.boolean(),
  /** Whether the trigger's function mentions the tenant column or partywall's context. */
  protects: z.boolean(),
  calls: z.string(),
})

const callable = z.object({
  kind: z.literal('function'),
  name: z.string(),
  owner: z.string(),
  definer: z.boolean(),
  settings: z.array(z.string()),
  body: z.string(),
  grants: z.string().nullable(),
})

/**
 * All other facts, such as roles, memberships and privileges. `judgeChange` does not read them. If such a fact changes, the checks of
 * `ready()` run again. If these checks pass, the change is only logged.
 */
const other = z.object({
  kind: z.enum(['role', 'membership', 'setting', 'rights', 'operator', 'cast', 'rule', 'column-grant']),
  name: z.string(),
  detail: z.string().nullable(),
})

const protectedObject = z.discriminatedUnion('kind', [relation, policy, trigger, callable, other])

export type ProtectedRelation = z.infer<typeof relation>
export type ProtectedPolicy = z.infer<typeof policy>
export type ProtectedTrigger = z.infer<typeof trigger>
export type ProtectedFunction = z.infer<typeof callable>
export type ProtectedObject = z.infer<typeof protectedObject>

/** The objects that protect the tenants of one database at one moment, as the application's login sees them. */
export interface ProtectionState {
  readonly objects: readonly ProtectedObject[]
  readonly relations: readonly ProtectedRelation[]
  readonly policies: readonly ProtectedPolicy[]
  readonly triggers: readonly ProtectedTrigger[]
  readonly functions: ReadonlyMap<string, ProtectedFunction>
}

/** @throws {z.ZodError} if the server's answer has another shape */
export function readState(rows: readonly unknown[]): ProtectionState {
  const objects = rows.map((row) => protectedObject.parse(row))
  const of = <K extends ProtectedObject['kind']>(kind: K) =>
    objects.filter((object): object is Extract<ProtectedObject, { kind: K }> => object.kind === kind)
  return {
    objects,
    relations: of('relation'),
    policies: of('policy'),
    triggers: of('trigger'),
    functions: new Map(of('function').map((each) => [each.name, each])),
  }
}

/** Returns the objects that were added, removed or changed between two states, as sorted texts `kind name`. */
export function changedObjects(before: ProtectionState, now: ProtectionState): readonly string[] {
  const told = (state: ProtectionState) =>
    new Map(state.objects.map((object) => [`${object.kind} ${object.name}`, JSON.stringify(object)]))
  const [old, fresh] = [told(before), told(now)]
  return [...new Set([...old.keys(), ...fresh.keys()])].filter((key) => old.get(key) !== fresh.get(key)).sort()
}
