import Cursor from 'pg-cursor'
import type { Partywall } from '../../../src/partywall.ts'
import type { Book, OpenOrm, Operations, OrmUnderTest } from '../conformance/orm.ts'
import { installedVersion } from './installed-version.ts'

type Run = (
  text: string,
  values?: readonly unknown[],
) => Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>

const COLUMNS = 'id, tenant_id as "tenantId", title, n'

/** What the two drivers without a query builder share: pg itself and Zapatos, which writes SQL. */
export function statements(run: Run, transaction: Operations['transaction']): Operations {
  const books = async (text: string, values?: readonly unknown[]): Promise<Book[]> =>
    (await run(text, values)).rows.map(asBook)
  return {
    all: () => books(`select ${COLUMNS} from books`),
    byId: async (id) => (await books(`select ${COLUMNS} from books where id = $1`, [id]))[0],
    count: async () => Number((await run('select count(*) as n from books')).rows[0]?.['n']),
    async insert({ title, writer, n = 0, shelfId = null, tenantId }) {
      const named = tenantId === undefined ? ['', ''] : [', tenant_id', ', $5']
      const [made] = await books(
        `insert into books (title, writer, n, shelf_id${named[0]}) values ($1, $2, $3, $4${named[1]}) returning ${COLUMNS}`,
        [title, writer, n, shelfId, ...(tenantId === undefined ? [] : [tenantId])],
      )
      return existing(made)
    },
    insertMany: (many) =>
      run('insert into books (title, writer) select * from unnest($1::text[], $2::uuid[])', [
        many.map(({ title }) => title),
        many.map(({ writer }) => writer),
      ]),
    upsert: ({ title, writer, n = 0 }) =>
      run(
        'insert into books (title, writer, n) values ($1, $2, $3) on conflict (tenant_id, title) do update set n = excluded.n',
        [title, writer, n],
      ),
    setN: async (id, n) => (await run('update books set n = $2 where id = $1', [id, n])).rowCount ?? 0,
    setAllN: async (n) => (await run('update books set n = $1', [n])).rowCount ?? 0,
    move: (id, tenantId) => run('update books set tenant_id = $2 where id = $1', [id, tenantId]),
    remove: async (id) => (await run('delete from books where id = $1', [id])).rowCount ?? 0,
    async shelves() {
      const { rows } = await run(
        `select s.tenant_id as "tenantId", json_agg(json_build_object('id', b.id, 'tenantId', b.tenant_id, 'title', b.title, 'n', b.n)) as books
         from shelves s join books b on b.shelf_id = s.id group by 1`,
      )
      return rows.map((row) => ({
        tenantId: String(row['tenantId']),
        books: (row['books'] as Record<string, unknown>[]).map(asBook),
      }))
    },
    raw: async (text, values) => (await run(text, values)).rows,
    transaction,
  }
}

export function asBook(row: Record<string, unknown>): Book {
  return {
    id: String(row['id']),
    tenantId: String(row['tenantId'] ?? row['tenant_id']),
    title: String(row['title']),
    n: Number(row['n']),
  }
}

export function existing<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the library returned no row')
  return value
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const pool = wall.pool
  // end of recipe
  const run: Run = (text, values = []) => pool.query(text, [...values])
  return {
    ...statements(run, (fn) =>
      pool.transaction(async function nested(transaction): Promise<never> {
        const inside: Run = (text, values = []) => transaction.query(text, [...values])
        const operations = statements(inside, (inner) =>
          transaction.transaction((deeper) =>
            inner(statements((text, values = []) => deeper.query(text, [...values]), never)),
          ),
        )
        return (await fn(operations)) as never
      }),
    ),
    async *stream() {
      const client = await pool.connect()
      const cursor = client.query(new Cursor(`select ${COLUMNS} from books`))
      try {
        for (let part = await cursor.read(2); part.length > 0; part = await cursor.read(2)) yield* part.map(asBook)
      } finally {
        await cursor.close()
        client.release()
      }
    },
    lazy: () => pool.query('select tenant_id from books').then(({ rows }) => rows),
    close: async () => {},
  }
}

const never: Operations['transaction'] = () => Promise.reject(new Error('not needed'))

export const pgAlone: OrmUnderTest = { name: 'pg', package: 'pg', version: installedVersion('pg'), open }
