/** What findings about the database as a whole name: its name differs between test and production, a finding's key must not. */
export const THIS_DATABASE = 'database'

/** A GRANT or REVOKE on the connected database, whatever its name: `%I` stands for it. */
export function onThisDatabase(sql: string): string {
  // A role may have a % in its name, which format() would read.
  const pattern = sql.replaceAll('%', '%%').replaceAll('%%I', '%I').replaceAll("'", "''")
  return `DO $$ BEGIN EXECUTE format('${pattern}', current_database()); END $$;`
}
