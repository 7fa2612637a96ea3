import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Decision } from '../change.ts'
import type { Planning } from '../input.ts'

/** Decisions that no migration can make: about owners, and about objects that read rows without policies. */
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
          'no role of the application was found. It must log in as a role that owns no table, is no superuser and has no BYPASSRLS, because no policy applies to these. Make one, grant it what it needs, and run partywall protect again with --app-role NAME.',
      },
    ]
  const decisions: Decision[] = []
  if (appRole.superuser || appRole.bypassRls)
    decisions.push({
      object: `role ${appRole.name}`,
      reason: `the application logs in as a role to which no policy applies (${appRole.superuser ? 'superuser' : 'BYPASSRLS'}). Make a login for the application:`,
      sql: loginLines(planning),
    })
  const owned = planning.targets.filter((target) => acting.some((role) => role.oid === target.relation.owner))
  if (owned.length > 0)
    decisions.push({
      object: `role ${appRole.name}`,
      reason: `the application owns ${owned.length} of the tables (${owned[0]?.relation.label}, …) or can become their owner: it can turn row security off. Make a login for the application that owns nothing:`,
      sql: loginLines(planning),
    })
  return decisions
}

/** Whether the object shows rows of all tenants without policies, so that a person must decide about it. */
export function isBeyondPolicies(planning: Planning, relation: Relation): boolean {
  return decisionOn(planning, relation) !== undefined
}

function beyondPolicies(planning: Planning): readonly Decision[] {
  return [...planning.catalog.relations.values()].flatMap((relation) => decisionOn(planning, relation) ?? [])
}

function decisionOn(planning: Planning, relation: Relation): Decision | undefined {
  const { catalog, schemas } = planning
  if (!schemas.has(relation.schema) || relation.extension !== undefined || !inReach(planning, relation))
    return undefined
  const reads = relation.readsRelations.some((oid) => planning.targetOf(oid) !== undefined)
  const object = relation.label
  const name = qualifiedName(relation)
  if (relation.kind === 'materialized-view' && reads) {
    const holders = relation.grants
      .filter((grant) => grant.grantee !== relation.owner)
      .map((grant) => (grant.grantee === 0 ? 'PUBLIC' : quoteIdentifier(planning.roleName(grant.grantee))))
    const reason = 'a materialized view holds rows of all tenants and can have no policy:'
    return { object, reason, sql: `REVOKE ALL ON ${name} FROM ${[...new Set(holders)].join(', ')};` }
  }
  const owner = catalog.roles.get(relation.owner)
  const bypasses = owner?.superuser === true || owner?.bypassRls === true
  const invoker = /^(true|on|1|yes)$/i.test(relation.options.get('security_invoker') ?? '')
  if (relation.kind === 'view' && !invoker && bypasses && reads) {
    const reason = `the view reads as its owner ${owner?.name}, to whom no policy applies:`
    return { object, reason, sql: `ALTER VIEW ${name} SET (security_invoker = true);` }
  }
  if (relation.kind === 'foreign-table' && planning.targetOf(relation.oid) !== undefined)
    return { object, reason: 'a foreign table can have no row security: revoke the rights of the application on it.' }
  return undefined
}

function inReach(planning: Planning, { grants }: Relation): boolean {
  return grants.some(
    (grant) =>
      grant.privilege === 'SELECT' &&
      (grant.grantee === 0 || planning.acting.some((role) => role.oid === grant.grantee)),
  )
}

function loginLines({ targets }: Planning): string {
  const schemas = [...new Set(targets.map((target) => quoteIdentifier(target.relation.schema)))].join(', ')
  return [
    "CREATE ROLE app_login LOGIN PASSWORD '…';",
    `GRANT USAGE ON SCHEMA ${schemas} TO app_login;`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schemas} TO app_login;`,
    `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schemas} TO app_login;`,
  ].join('\n')
}
