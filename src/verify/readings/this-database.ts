/** What findings about the database as a whole name: its name differs between test and production, a finding's key must not. */
export const THIS_DATABASE = 'database'

/** A GRANT or REVOKE on the connected database, whatever its name: `%I` stands for it. */
export function onThisDatabase(sql: string): string {
  return `DO $$ BEGIN EXECUTE format('${sql.replaceAll("'", "''")}', current_database()); END $$;`
}
