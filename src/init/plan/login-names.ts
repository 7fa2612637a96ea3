/** The login roles that init makes. */
export interface LoginNames {
  /** The application's login. It becomes `tenant_user` or `tenant_admin` for each statement. */
  readonly app: string
  /** The login of code that runs before the tenant is known. */
  readonly entry: string
}

/** Makes the names of the roles from the name of the database. PostgreSQL truncates names after 63 bytes. */
export function loginNamesFor(database: string, taken: ReadonlySet<string>): LoginNames {
  const cleaned = database
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_')
    .replace(/^(?=\d)|^$/, 'db_')
    .slice(0, 50)
  // pg_ is reserved for PostgreSQL's own roles.
  const base = cleaned.startsWith('pg_') ? `db_${cleaned}` : cleaned
  const free = (name: string) => {
    for (let n = 1; ; n++) {
      const candidate = n === 1 ? name : `${name}_${n}`
      if (!taken.has(candidate)) return candidate
    }
  }
  return { app: free(`${base}_app`), entry: free(`${base}_entry`) }
}
