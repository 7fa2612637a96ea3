import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { FleetRelation } from '../../tenancy/fleet/fleet.ts'

/** The call that protects all tables of a schema. The tenant is a decision of a person, and never guessed from the name. */
export function installFix(schema: string): string {
  return `-- Decide which tenant the schema belongs to. partywall migrate creates the procedure.\n-- CALL partywall.install_schema(${quoteLiteral(schema)}, '<id of the tenant>');`
}

export function tableName({ schema, name }: FleetRelation): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}
