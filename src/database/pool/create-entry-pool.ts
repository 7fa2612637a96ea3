import pg from 'pg'

/**
 * A plain `pg.Pool` for code that runs before the tenant is known, such as sign-in and sign-up.
 *
 * It opens no tenant context and makes no seal, so its login role alone decides what it reaches. Give it a role of its own with few rights, as
 * `partywall init` makes: no right on the tables of a tenant's work, no membership in `tenant_user` or `tenant_admin`.
 *
 * The caller ends it. Idle connections do not keep the process alive.
 *
 * @param options those of `pg.Pool`
 */
export function createEntryPool(options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ max: 4, allowExitOnIdle: true, ...options })
  // Without a listener, a restart of the database would end the process. The next query opens a new connection, or reports the error.
  pool.on('error', () => {})
  return pool
}
