import type { Verb } from '../../catalog/verbs.ts'
import { VERBS } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import type { Fleet, FleetRelation } from '../../tenancy/fleet/fleet.ts'
import { HASHED, isTestOf, schemaPolicies } from './schema-policies.ts'

/** What the policies of one table mean for one role and verb. */
export type SchemaVerdict =
  /** No policy lets the role reach a row. */
  | 'no-access'
  /** Each row needs the context of the schema's own tenant. */
  | 'proved'
  /** Each row needs the context of one tenant, but not of the schema's own tenant. */
  | 'wrong-tenant'
  /** Row-level security is off, or a policy is true for every context. */
  | 'open'
  /** The prover can't read the policies. An attack must decide. */
  | 'unproved'

export interface JudgedVerb {
  readonly verb: Verb
  readonly role: ActingRole
  readonly verdict: SchemaVerdict
  /** Whether the policies test the seal, and not only the plain setting. */
  readonly sealed: boolean
}

/**
 * The tenant of each schema. The registry names it; for other schemas, it is the tenant whose id or hash most of the schema's policies
 * contain.
 */
export function tenantsOf(facts: Facts, fleet: Fleet): ReadonlyMap<string, string> {
  let known = tenants.get(fleet)
  if (known === undefined) {
    known = findTenants(facts, fleet)
    tenants.set(fleet, known)
  }
  return known
}

const tenants = new WeakMap<Fleet, ReadonlyMap<string, string>>()

function findTenants(facts: Facts, fleet: Fleet): ReadonlyMap<string, string> {
  const policies = schemaPolicies(facts)
  const votes = new Map<string, Map<string, number>>()
  for (const { schema, policies: own } of fleet.relations)
    for (const { using, check } of own)
      for (const { tenant, hashed } of [...policies.condition(using).tests, ...policies.condition(check).tests]) {
        const id = hashed ? `${HASHED}${tenant}` : tenant
        const counts = votes.get(schema) ?? new Map<string, number>()
        counts.set(id, (counts.get(id) ?? 0) + 1)
        votes.set(schema, counts)
      }
  const found = new Map<string, string>()
  for (const { name, tenant } of fleet.schemas) {
    const most = [...(votes.get(name) ?? [])].sort((a, b) => b[1] - a[1])[0]?.[0]
    const id = tenant ?? most
    if (id !== undefined) found.set(name, id)
  }
  return withoutTwins(fleet, found)
}

/**
 * If the policies of two schemas name the same tenant, one of the schemas is wrong. If the name of one schema ends with the tenant, that
 * schema is right.
 */
function withoutTwins(fleet: Fleet, found: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const registered = new Set(fleet.registry?.map(({ schema }) => schema))
  const owners = new Map<string, string[]>()
  for (const [schema, tenant] of found) owners.set(tenant, [...(owners.get(tenant) ?? []), schema])
  const kept = new Map(found)
  for (const [tenant, schemas] of owners) {
    if (schemas.length < 2) continue
    const right =
      schemas.find((schema) => registered.has(schema)) ??
      schemas.find((schema) => endsWith(schema, tenant)) ??
      schemas[0]
    for (const schema of schemas) if (schema !== right) kept.set(schema, `another tenant than that of ${right}`)
  }
  return kept
}

function endsWith(schema: string, tenant: string): boolean {
  return schema.toLowerCase().endsWith(tenant.toLowerCase())
}

/** The roles that reach a table and to which policies apply. */
export function rolesOn(facts: Facts, relation: FleetRelation): readonly ActingRole[] {
  return facts.acting.filter(({ role, bypasses }) => !bypasses && relation.reach.includes(role.oid))
}

const judgedTables = new WeakMap<FleetRelation, readonly JudgedVerb[]>()

export function judgeTable(facts: Facts, fleet: Fleet, relation: FleetRelation): readonly JudgedVerb[] {
  let known = judgedTables.get(relation)
  if (known === undefined) {
    known = judgeAll(facts, fleet, relation)
    judgedTables.set(relation, known)
  }
  return known
}

function judgeAll(facts: Facts, fleet: Fleet, relation: FleetRelation): readonly JudgedVerb[] {
  const own = tenantsOf(facts, fleet).get(relation.schema)
  return rolesOn(facts, relation).flatMap((role) =>
    VERBS.map((verb): JudgedVerb => ({ verb, role, ...judge(facts, relation, { verb, role, own }) })),
  )
}

function judge(
  facts: Facts,
  relation: FleetRelation,
  { verb, role, own }: { readonly verb: Verb; readonly role: ActingRole; readonly own: string | undefined },
): Pick<JudgedVerb, 'verdict' | 'sealed'> {
  const owns = facts.roleName(role.role.oid) === relation.owner
  if (!relation.rowSecurity || (owns && !relation.forced)) return { verdict: 'open', sealed: false }
  const policies = schemaPolicies(facts)
  const tests = policies.testsOf(relation, verb, role)
  if (tests === undefined) return { verdict: 'no-access', sealed: false }
  const right = tests.filter((test) => own !== undefined && isTestOf(test, own))
  if (right.length > 0) return { verdict: 'proved', sealed: right.some(({ sealed }) => sealed) }
  if (tests.length > 0) return { verdict: own === undefined ? 'unproved' : 'wrong-tenant', sealed: false }
  return { verdict: saysNothing(relation, verb, role) ? 'open' : 'unproved', sealed: false }
}

/** Whether a permissive policy for this verb asks for no context at all: no setting, no function, no other table. */
function saysNothing(relation: FleetRelation, verb: Verb, role: ActingRole): boolean {
  return relation.policies.some(
    ({ permissive, command, roles, using, check }) =>
      permissive &&
      (command === 'all' || command === verb) &&
      (roles.includes(0) || roles.some((oid) => role.rights.has(oid))) &&
      !/[(]|current_|session_user/i.test(withoutParentheses((verb === 'insert' ? (check ?? using) : using) ?? '')),
  )
}

function withoutParentheses(text: string): string {
  return text.startsWith('(') && text.endsWith(')') ? withoutParentheses(text.slice(1, -1)) : text
}
