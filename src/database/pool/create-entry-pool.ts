import pg from 'pg'

/**
 * A plain `pg.Pool` for code that runs before the tenant is known, such as sign-in and sign-up.
 *
 * It opens no tenant context and makes no seal, so only the rights of its login role limit what it reaches. Give it a separate role with
 * few rights, as `partywall init` makes: without rights on the tables of the tenants, and without membership in `tenant_user` or
 * `tenant_admin`.
 *
 * The caller must end the pool. Idle connections do not keep the process alive.
 *
 * @param options the options of `pg.Pool`
 */
export function createEntryPool(options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ max: 4, allowExitOnIdle: true, ...options })
  // Without a listener, a restart of the database would end the process. The next query opens a new connection, or reports the error.
  pool.on('error', () => {})
  return pool
}
