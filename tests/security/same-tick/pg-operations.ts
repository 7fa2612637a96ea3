import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import type { TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { fresh, type Operation } from './stage.ts'

const READ = 'select tenant_id from books where n = -1'
const WRITE = 'insert into books (writer, title) values ($1, $2) returning tenant_id'

/** Every way to a statement that `pg` has. */
export function pgOperations(pool: () => TenantPool): Readonly<Record<string, Operation>> {
  const read = (rows: unknown[]) => ({ rows, count: rows.length })
  const onClient = (
    fn: (client: pg.PoolClient, ...given: Parameters<Operation>) => ReturnType<Operation>,
  ): Operation => {
    return async (reader) => {
      const client = await pool().connect()
      try {
        return await fn(client, reader)
      } finally {
        client.release()
      }
    }
  }
  return {
    'pool.query': async () => read((await pool().query(READ)).rows),
    'pool.query with values': async (r) => ({
      rows: (await pool().query(WRITE, [r.tenant.id, fresh()])).rows,
      foreign: (await pool().query('select tenant_id from books where id = $1', [r.otherBookId])).rows,
    }),
    'a named statement': async () => read((await pool().query({ name: 'fixed', text: READ })).rows),
    'a prepared statement': async () => read((await pool().query({ prepare: true, text: READ })).rows),
    'rows as arrays': async () => ({ count: (await pool().query({ text: READ, rowMode: 'array' })).rowCount }),
    'a callback': () =>
      new Promise((resolve, reject) => {
        pool().query(READ, (error, result) => (error ? reject(error) : resolve(read(result.rows))))
      }),
    'a checked-out client': onClient(async (client, r) => {
      const { rows } = await client.query(WRITE, [r.tenant.id, fresh()])
      return { rows: [rows, (await client.query(READ)).rows] }
    }),
    'statements that were not awaited': onClient(async (client, r) => {
      const both = [client.query(WRITE, [r.tenant.id, fresh()]), client.query(READ)]
      return { rows: (await Promise.all(both)).map((result) => result.rows) }
    }),
    'BEGIN and COMMIT': onClient(async (client, r) => {
      await client.query('begin')
      const { rows } = await client.query(WRITE, [r.tenant.id, fresh()])
      await client.query('commit')
      return { rows }
    }),
    'a transaction with a savepoint': (r) =>
      pool().transaction(async (outer) => {
        const inner = await outer.transaction((tx) => tx.query(WRITE, [r.tenant.id, fresh()]))
        return { rows: [inner.rows, (await outer.query(READ)).rows] }
      }),
    copyInto: async (r) => {
      await pool().copyInto('books', [{ writer: r.tenant.id, title: fresh() }])
      return read((await pool().query(READ)).rows)
    },
    'a pg.Query': onClient(
      (client) =>
        new Promise((resolve, reject) => {
          const rows: unknown[] = []
          const query = client.query(new pg.Query(READ))
          query.on('row', (row: unknown) => rows.push(row))
          query.on('error', reject)
          query.on('end', () => resolve(read(rows)))
        }),
    ),
    'a cursor': onClient(async (client) => {
      const cursor = client.query(new Cursor(READ))
      const rows = [...(await cursor.read(2)), ...(await cursor.read(100))]
      await cursor.close()
      return read(rows)
    }),
    'a stream': onClient(async (client) => {
      const rows: unknown[] = []
      for await (const row of client.query(new QueryStream(READ))) rows.push(row)
      return read(rows)
    }),
  }
}
