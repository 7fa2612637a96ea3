// The conditions of partywall's policies on a tenant's table.

/**
 * What tenant_seal_policy asks of a row: the tenant of the ticket or, where the database does not know the ticket, of the whole seal.
 * USING and WITH CHECK have the same text, so that PostgreSQL checks it once for the new row of an UPDATE, and not twice.
 *
 * @param column quoted where it must be
 * @param type the column's type; `text` needs no cast
 */
export function sealedRow(column: string, type: string): string {
  const cast = castTo(type)
  return `${column} = (select coalesce(t.tenant_id, partywall.tenant_id())${cast} from partywall.ticket t)`
}

/** The same in the words of the release before, which need no tickets in the database. They stay valid. */
export function sealedRowBefore(column: string, type: string): string {
  return `${column} = (select partywall.tenant_id()${castTo(type)})`
}

/** What tenant_write_policy asks of a seal. */
export const SEALED_FOR_WRITING = '(select partywall.seal_writes())'

/** What tenant_level_policy asks of a seal. Only the level tenant_admin deletes. */
export const SEALED_FOR_DELETING = `(select partywall.writes_as('tenant_admin'))`

function castTo(type: string): string {
  return type === 'text' ? '' : `::${type}`
}
