import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { NOTHING, type Part } from '../change.ts'
import type { Planning } from '../input.ts'
import type { Target } from '../target.ts'

/**
 * Installs the tenant directory, with `--seal`. If the table of tenants lacks the column `status` or `tier`, the statement is left to a
 * person.
 */
export function directory(planning: Planning, target: Target): Part {
  const { relation } = target
  if (!planning.seal || target.kind !== 'root') return NOTHING
  if (relation.policies.some((policy) => policy.name === 'tenant_directory_policy')) return NOTHING
  const has = (name: string) => relation.columns.some((column) => column.name === name)
  const key = ['key', 'slug', 'subdomain', 'code', 'external_id', target.column.name].find(has) ?? target.column.name
  const call = `CALL partywall.install_directory(${quoteLiteral(qualifiedName(relation))}, ${[target.column.name, key, 'status', 'tier'].map(quoteLiteral).join(', ')});`
  if (!has('status') || !has('tier'))
    return {
      changes: [],
      decisions: [
        {
          object: relation.label,
          reason:
            'the tenant directory needs the columns status (active, suspended) and tier. Name your columns, or add them, or pass createPartywall() a directory function of your own:',
          sql: call,
        },
      ],
    }
  const table = qualifiedName(relation)
  return {
    changes: [
      {
        phase: 'protect',
        object: relation.label,
        up: [call],
        down: [
          'DROP FUNCTION IF EXISTS partywall.tenant_by_key(text), partywall.tenant_by_id(text), partywall.directory_by_key(text), partywall.directory_by_id(text);',
          `DROP TRIGGER IF EXISTS partywall_tenant_change ON ${table};`,
          `DROP POLICY IF EXISTS tenant_directory_policy ON ${table};`,
          `REVOKE ALL ON ${table} FROM partywall_owner;`,
          ...(directoryNeedsSchema(planning, target)
            ? [`REVOKE USAGE ON SCHEMA ${quoteIdentifier(relation.schema)} FROM partywall_owner;`]
            : []),
        ],
      },
    ],
    decisions: [],
  }
}

/** Whether install_directory() will grant USAGE on the schema, so that the down migration must revoke it. */
function directoryNeedsSchema(planning: Planning, target: Target): boolean {
  const schema = planning.catalog.schemas.get(target.relation.schemaOid)
  return schema?.grants.every((grant) => planning.roleName(grant.grantee) !== 'partywall_owner') ?? false
}
