import { qualifiedName } from '../../catalog/names.ts'
import type { Decision } from '../change.ts'
import type { Planning } from '../input.ts'

/** What no migration can decide: owners, and objects that see rows past the policies. */
export function review(planning: Planning): readonly Decision[] {
  return [...owners(planning), ...beyondPolicies(planning)]
}

function owners(planning: Planning): readonly Decision[] {
  const { appRole, acting } = planning
  if (appRole === undefined)
    return [
      {
        object: 'database',
        reason:
          'no role of the application was found. It must log in as a role that owns no table, is no superuser and has no BYPASSRLS: row security does not hold those. Make one, grant it what it needs, and run partywall protect again with --app-role NAME.',
      },
    ]
  const decisions: Decision[] = []
  if (appRole.superuser || appRole.bypassRls)
    decisions.push({
      object: `role ${appRole.name}`,
      reason: `the application logs in as a role that no policy holds (${appRole.superuser ? 'superuser' : 'BYPASSRLS'}): give it a role of its own.`,
    })
  const owned = planning.targets.filter((target) => acting.some((role) => role.oid === target.relation.owner))
  if (owned.length > 0)
    decisions.push({
      object: `role ${appRole.name}`,
      reason: `the application owns ${owned.length} of the tables (${owned[0]?.relation.label}, …) or can become their owner: it can turn row security off. Give the tables to a role that the application can't become, and let it log in as one that owns nothing.`,
    })
  return decisions
}

function beyondPolicies(planning: Planning): readonly Decision[] {
  const { catalog, schemas } = planning
  const reads = (oids: readonly number[]) => oids.some((oid) => planning.targetOf(oid) !== undefined)
  const inReach = (grants: readonly { readonly grantee: number; readonly privilege: string }[]) =>
    grants.some(
      (grant) =>
        grant.privilege === 'SELECT' &&
        (grant.grantee === 0 || planning.acting.some((role) => role.oid === grant.grantee)),
    )
  return [...catalog.relations.values()].flatMap((relation): readonly Decision[] => {
    if (!schemas.has(relation.schema) || relation.extension !== undefined || !inReach(relation.grants)) return []
    if (relation.kind === 'materialized-view' && reads(relation.readsRelations))
      return [
        {
          object: relation.label,
          reason: 'a materialized view holds rows of all tenants and can have no policy:',
          sql: `REVOKE ALL ON ${qualifiedName(relation)} FROM PUBLIC;`,
        },
      ]
    const owner = catalog.roles.get(relation.owner)
    const bypasses = owner?.superuser === true || owner?.bypassRls === true
    const invoker = /^(true|on|1|yes)$/i.test(relation.options.get('security_invoker') ?? '')
    if (relation.kind === 'view' && !invoker && bypasses && reads(relation.readsRelations))
      return [
        {
          object: relation.label,
          reason: `the view reads as its owner ${owner?.name}, whom no policy holds:`,
          sql: `ALTER VIEW ${qualifiedName(relation)} SET (security_invoker = true);`,
        },
      ]
    if (relation.kind === 'foreign-table' && planning.targetOf(relation.oid) !== undefined)
      return [
        {
          object: relation.label,
          reason: 'a foreign table can have no row security: let the application not reach it.',
        },
      ]
    return []
  })
}
