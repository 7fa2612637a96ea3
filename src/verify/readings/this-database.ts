/** Object of findings about the whole database. Its real name would differ between test and production, and so would the finding's key. */
export const THIS_DATABASE = 'database'

/** SQL that runs a GRANT or REVOKE on the connected database. `%I` in the text stands for the database's name. */
export function onThisDatabase(sql: string): string {
  // Double each other %: a role's name may contain one, and format() would read it as a placeholder.
  const pattern = sql.replaceAll('%', '%%').replaceAll('%%I', '%I').replaceAll("'", "''")
  return `DO $$ BEGIN EXECUTE format('${pattern}', current_database()); END $$;`
}
