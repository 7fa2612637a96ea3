import { quoteLiteral } from '../../catalog/names.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const schemaMapStale: Rule = {
  id: 'schema-map-stale',
  group: 'object',
  title: 'The registry of tenants’ schemas is out of date',
  severity: 'medium',
  meaning:
    'A schema that was dropped and created again may hold another tenant’s tables under a name that the registry gives away.',
  remedy: 'Find out who created the schema again, and call partywall.install_schema(…, recreated => true).',
  *run(facts) {
    const { fleet } = facts
    if (fleet?.registry === undefined) return
    const byName = new Map(fleet.schemas.map((schema) => [schema.name, schema]))
    for (const { schema, oid, tenant } of fleet.registry) {
      const present = byName.get(schema)
      if (present?.oid === oid) continue
      yield {
        object: `schema ${schema}`,
        ...(present === undefined
          ? chosenSeverity('info', 'The schema does not exist, so there are no tables in it.')
          : {}),
        message:
          present === undefined
            ? `Schema ${schema} is registered and does not exist. Its name stays taken.`
            : `Schema ${schema} was dropped and created again since it was registered, or the database was restored from a dump.`,
        evidence: [`registered OID ${oid}, present OID ${present?.oid ?? 'none'}`],
        fix:
          present === undefined
            ? '-- Nothing to do if the tenant has left.'
            : `CALL partywall.install_schema(${quoteLiteral(schema)}, ${quoteLiteral(tenant)}, recreated => true);`,
      }
    }
  },
}
