import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { FleetRelation } from '../../tenancy/fleet/fleet.ts'

/**
 * The call that protects all tables of a schema. A person must decide which tenant the schema belongs to; the schema's name is not used to
 * guess the tenant.
 */
export function installFix(schema: string): string {
  return `-- Decide which tenant the schema belongs to. partywall migrate creates the procedure.\n-- CALL partywall.install_schema(${quoteLiteral(schema)}, '<id of the tenant>');`
}

export function tableName({ schema, name }: FleetRelation): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}
