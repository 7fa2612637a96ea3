import { ConflictError, NotFoundError } from 'partywall'
import type { Pool } from 'pg'

/** Changes the name that people see, and the key that tokens name. The id stays, so no row of the tenant changes. */
export async function renameTenant(operationsPool: Pool, id: string, { key, name }: { key: string; name: string }) {
  const { rowCount } = await operationsPool
    .query('update tenants set key = $2, name = $3 where id = $1', [id, key, name])
    .catch((error: { readonly code?: string }) => {
      if (error.code === '23505') throw new ConflictError('This key is taken.')
      throw error
    })
  if (rowCount === 0) throw new NotFoundError('There is no such tenant.')
}

/** Children before parents, as the foreign keys want it. */
const TABLES = ['documents', 'projects', 'users']

/** Deletes a suspended tenant, all or nothing. For an active tenant PostgreSQL deletes no row, and nothing happens. */
export async function deleteTenant(operationsPool: Pool, id: string): Promise<void> {
  const client = await operationsPool.connect()
  try {
    await client.query('begin')
    for (const table of TABLES) await client.query(`delete from ${table} where tenant_id = $1`, [id])
    const { rowCount } = await client.query('delete from tenants where id = $1', [id])
    if (rowCount === 0) throw new ConflictError('There is no such tenant, or it is not suspended.')
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
