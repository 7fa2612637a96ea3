// Copies the audit log of one database into another that was migrated and holds none, row by row as text: what pg_dump and
// pg_restore do with these tables. (Embedded servers come without those programs.)

/** Sequences and the row that sealers lock are the new database's own. */
const TABLES = ['audit_events', 'audit_private', 'audit_checkpoints', 'audit_anchors']

export async function copyAuditLog(source, target) {
  let copied = 0
  for (const table of TABLES) {
    const { rows } = await source.query(
      `select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
         where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
      [`partywall.${table}`],
    )
    const { columns } = rows[0]
    await source.query('begin isolation level repeatable read read only')
    await source.query(
      `declare copied no scroll cursor for select row_to_json(r)::text as row from (select ${columns} from partywall.${table}) as r`,
    )
    for (;;) {
      const page = await source.query('fetch 1000 from copied')
      if (page.rows.length === 0) break
      // The texts are handed on unparsed: a long number would lose digits.
      await target.query(
        `insert into partywall.${table} (${columns})
           select ${columns} from json_populate_recordset(null::partywall.${table}, $1::json)`,
        [`[${page.rows.map(({ row }) => row).join(',')}]`],
      )
      copied += page.rows.length
    }
    await source.query('commit')
  }
  return copied
}
