/** Object of findings about the whole database. The database's real name is not used: it would give test and production different keys. */
export const THIS_DATABASE = 'database'

/** SQL that runs a GRANT or REVOKE on the connected database. `%I` in the text stands for the database's name. */
export function onThisDatabase(sql: string): string {
  // Double each % except those of %I. A role's name may contain %, and format() would read it as a placeholder.
  const pattern = sql.replaceAll('%', '%%').replaceAll('%%I', '%I').replaceAll("'", "''")
  return `DO $$ BEGIN EXECUTE format('${pattern}', current_database()); END $$;`
}
