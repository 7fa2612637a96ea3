// The conditions of partywall's policies on a tenant's table.

/**
 * The condition of tenant_seal_policy: the row belongs to the tenant of the session's ticket. If the database does not know the ticket,
 * `partywall.tenant_id()` checks the whole seal and returns its tenant. USING and WITH CHECK have the same text, so that PostgreSQL checks
 * it once for the new row of an UPDATE, and not twice.
 *
 * @param column the column's name, already quoted if it needs quotes
 * @param type the column's type; `text` needs no cast
 */
export function sealedRow(column: string, type: string): string {
  const cast = castTo(type)
  return `${column} = (select coalesce(t.tenant_id, partywall.tenant_id())${cast} from partywall.ticket t)`
}

/** The condition that the previous release wrote into tenant_seal_policy. It uses no tickets. Policies that still contain it stay valid. */
export function sealedRowBefore(column: string, type: string): string {
  return `${column} = (select partywall.tenant_id()${castTo(type)})`
}

/**
 * The condition of tenant_seal_policy in a tenant's own schema: the seal names the tenant with this mark, and its own schema as the place.
 * Migration 0018_schemas.sql writes it (`partywall.protect_schema_table`).
 *
 * @param mark SHA-256 of the tenant's id, in hex digits
 */
export function sealedSchema(mark: string): string {
  return `(select coalesce(p.mark, partywall.placed_mark()) from partywall.placement p) = '${mark}'`
}

/** The condition of tenant_isolation_policy in a tenant's own schema. */
export function plainSchema(mark: string, setting = 'app.current_tenant_id'): string {
  return `(select encode(sha256(convert_to(current_setting('${setting}', true), 'UTF8')), 'hex')) = '${mark}'`
}

/** The condition of tenant_write_policy: the seal was made for writing. */
export const SEALED_FOR_WRITING = '(select partywall.seal_writes())'

/** The condition of tenant_level_policy: the seal was made for the level tenant_admin. Only this level may DELETE. */
export const SEALED_FOR_DELETING = `(select partywall.writes_as('tenant_admin'))`

function castTo(type: string): string {
  return type === 'text' ? '' : `::${type}`
}
