import type { Catalog } from '../../catalog/catalog.ts'
import { type Oid, PUBLIC_OID, type Relation, type Role } from '../../catalog/model.ts'
import { roleGraph } from '../../catalog/role-graph.ts'
import { commonest, describeSetting } from './choose-context.ts'
import type { Evidence } from './votes.ts'

/** A role for machines, partners or jobs, whose policies read another setting than the policies for the application's users. */
interface Caller {
  readonly role: Role
  /** The role itself, and the roles whose policies also apply to it. */
  readonly roles: ReadonlySet<Oid>
}

/**
 * The roles whose policies read another setting than the application's. Example: the policy TO robot reads app.partner_id, all others read
 * app.tenant_id.
 * `verify` attacks each role with the setting of its own policies. With another role's setting, correct policies would look like holes.
 */
export function otherCallers(
  catalog: Catalog,
  evidence: Evidence,
  tables: readonly Relation[],
  acting: ReadonlySet<Oid>,
  hints: { readonly appRole?: string | undefined; readonly setting?: string | undefined },
): readonly Caller[] {
  const graph = roleGraph(catalog)
  const votes = [...evidence.columns.filter((vote) => vote.via === 'direct'), ...evidence.keys]
  const usesOf = (oid: Oid) => votes.filter((vote) => vote.roles.includes(oid)).map((vote) => describeSetting(vote.use))
  const forEverybody = new Set(usesOf(PUBLIC_OID))
  const named = [...new Set(votes.flatMap((vote) => vote.roles))].filter((oid) => oid !== PUBLIC_OID)
  const main = mainUse(votes, acting)
  if (main === undefined) return []
  return named.flatMap((oid): readonly Caller[] => {
    const role = catalog.roles.get(oid)
    const uses = new Set(usesOf(oid))
    if (role === undefined || role.superuser || role.bypassRls || role.name.startsWith('partywall_')) return []
    // The role that the user named is the application's, whatever setting its policies read. If the user named the setting, every role in
    // reach is treated as the application's too.
    if (role.name === hints.appRole || (acting.has(oid) && hints.setting !== undefined)) return []
    if (uses.has(main) || uses.size === 0 || [...uses].every((use) => forEverybody.has(use))) return []
    const owns = tables.some((table) => graph.rightsOf(oid).has(table.owner))
    const granted = tables.some((table) =>
      [...table.grants, ...table.columns.flatMap((column) => column.grants)].some((grant) =>
        graph.rightsOf(oid).has(grant.grantee),
      ),
    )
    return owns || !granted ? [] : [{ role, roles: graph.rightsOf(oid) }]
  })
}

/** The setting that policies for the application's own roles read most often. */
function mainUse(
  votes: readonly { readonly use: Evidence['keys'][number]['use']; readonly roles: readonly Oid[] }[],
  acting: ReadonlySet<Oid>,
): string | undefined {
  const own = votes.filter(({ roles }) => roles.some((oid) => oid === PUBLIC_OID || acting.has(oid)))
  const use = commonest(own.map((vote) => vote.use))
  return use === undefined ? undefined : describeSetting(use)
}
