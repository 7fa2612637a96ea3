import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { FleetRelation } from '../../tenancy/fleet/fleet.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { installFix, tableName } from '../readings/fleet-fixes.ts'
import { type JudgedVerb, judgeTable, rolesOn } from '../readings/fleet-tables.ts'

export const schemaTableUnwalled: Rule = {
  id: 'schema-table-unwalled',
  group: 'rls',
  title: 'A table in a tenant’s schema is not protected',
  severity: 'critical',
  meaning: 'Each tenant reads or writes the table by writing the name of its schema.',
  remedy:
    'Give each table of the schema policies that compare the context with the schema’s tenant, and FORCE ROW LEVEL SECURITY.',
  *run(facts) {
    const { fleet } = facts
    if (fleet === undefined) return
    for (const relation of fleet.relations) {
      if (rolesOn(facts, relation).length === 0) continue
      if (relation.kind === 'table') yield* tableFindings(relation, judgeTable(facts, fleet, relation), facts.sealed)
      else if (relation.kind !== 'view') yield unprotectable(relation)
    }
    if (fleet.registry === undefined) return
    const registered = new Set(fleet.registry.map(({ schema }) => schema))
    for (const { name } of fleet.schemas) {
      if (registered.has(name)) continue
      yield {
        object: `schema ${name}`,
        ...chosenSeverity(
          'medium',
          'Nothing shows that another tenant reaches the tables of this schema. If another tenant can reach one, that table has a finding of its own.',
        ),
        message: `Schema ${name} is taken for a tenant’s schema and is not registered: nobody says whose it is.`,
        fix: `-- Decide whose schema this is.\n-- CALL partywall.install_schema(${quoteLiteral(name)}, '<id of the tenant>');`,
      }
    }
  },
}

function* tableFindings(
  relation: FleetRelation,
  judged: readonly JudgedVerb[],
  sealed: boolean,
): Generator<FindingDraft> {
  const object = `${relation.schema}.${relation.name}`
  const of = (verdict: JudgedVerb['verdict']) => [
    ...new Set(judged.filter((each) => each.verdict === verdict).map(({ verb }) => verb)),
  ]
  const [open, unproved] = [of('open'), of('unproved')]
  const fix = installFix(relation.schema)
  if (open.length > 0) {
    const why = relation.rowSecurity ? 'a policy of it is true for every context' : 'row-level security is off'
    yield {
      object,
      message: `${object} is in the schema of one tenant, and ${why}: SQL of any tenant reaches its rows by the name of the schema.`,
      evidence: [`verbs: ${open.join(', ')}`],
      fix,
      verbs: open,
    }
  } else if (unproved.length > 0) {
    yield {
      object,
      unconfirmed: 'info',
      suspected: true,
      message: `It could not be proved that ${object} shows its rows to the tenant of its schema alone.`,
      evidence: [`verbs: ${unproved.join(', ')}`],
      fix,
      verbs: unproved,
    }
  }
  if (relation.rowSecurity && !relation.forced)
    yield {
      object,
      detail: 'force',
      ...chosenSeverity('low', 'Only code that runs as the owner passes the policies.'),
      message: `${object} does not force row-level security: code that runs as its owner sees all rows.`,
      fix: `ALTER TABLE ${tableName(relation)} FORCE ROW LEVEL SECURITY;`,
    }
  const unsealed = judged.filter((each) => each.verdict === 'proved' && !each.sealed)
  if (sealed && unsealed.length > 0 && open.length === 0)
    yield {
      object,
      detail: 'seal',
      ...chosenSeverity(
        'high',
        'The policies hold for the context that is set, and without a seal injected SQL can set another one.',
      ),
      message: `${object} has no seal policy for ${[...new Set(unsealed.map(({ role }) => role.role.name))].join(', ')}: one SELECT with set_config reads it as its tenant.`,
      evidence: [`verbs: ${[...new Set(unsealed.map(({ verb }) => verb))].join(', ')}`],
      fix,
    }
}

/** Materialized views and foreign tables can't have policies. */
function unprotectable(relation: FleetRelation): FindingDraft {
  const object = `${relation.schema}.${relation.name}`
  return {
    object,
    message: `${object} is a ${relation.kind.replace('-', ' ')} in the schema of one tenant. No policy applies to it, and the application may use it: SQL of any tenant reads it.`,
    fix: `REVOKE ALL ON ${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)} FROM PUBLIC, tenant_user, tenant_admin;`,
    verbs: ['select'],
  }
}
