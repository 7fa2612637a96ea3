import type { Generated, Kysely, PostgresDialect, sql } from 'kysely'
import Cursor from 'pg-cursor'
import type { Partywall } from '../../../src/partywall.ts'
import type { Book, OpenOrm, Operations, OrmUnderTest } from '../conformance/orm.ts'
import { asBook } from './pg.ts'

interface Tables {
  readonly books: {
    readonly id: Generated<string>
    readonly tenant_id: Generated<string>
    readonly writer: string
    readonly title: string
    readonly n: Generated<number>
    readonly shelf_id: string | null
  }
  readonly shelves: { readonly id: string; readonly tenant_id: string }
}

/** The module, so that two releases can be tried with one adapter. */
interface KyselyModule {
  readonly Kysely: typeof Kysely
  readonly PostgresDialect: typeof PostgresDialect
  readonly sql: typeof sql
}

function operations(db: Kysely<Tables>, { sql }: KyselyModule, transaction: Operations['transaction']): Operations {
  const changed = (rows: readonly { readonly numUpdatedRows: bigint }[]) => Number(rows[0]?.numUpdatedRows ?? 0)
  const values = ({ title, writer, n, shelfId, tenantId }: Parameters<Operations['insert']>[0]) => ({
    title,
    writer,
    ...(n === undefined ? {} : { n }),
    ...(shelfId === undefined ? {} : { shelf_id: shelfId }),
    ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
  })
  return {
    all: async () => (await db.selectFrom('books').selectAll().execute()).map(asBook),
    async byId(id) {
      const row = await db.selectFrom('books').selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : asBook(row)
    },
    count: async () => Number((await db.selectFrom('books').select(db.fn.countAll().as('n')).executeTakeFirst())?.n),
    insert: async (book) =>
      asBook(
        await db
          .insertInto('books')
          .values(values(book) as never)
          .returningAll()
          .executeTakeFirstOrThrow(),
      ),
    insertMany: (many) =>
      db
        .insertInto('books')
        .values(many.map(values) as never)
        .execute(),
    upsert: (book) =>
      db
        .insertInto('books')
        .values(values(book) as never)
        .onConflict((conflict) => conflict.columns(['tenant_id', 'title']).doUpdateSet({ n: book.n ?? 0 }))
        .execute(),
    setN: async (id, n) => changed(await db.updateTable('books').set({ n }).where('id', '=', id).execute()),
    setAllN: async (n) => changed(await db.updateTable('books').set({ n }).execute()),
    move: (id, tenantId) => db.updateTable('books').set({ tenant_id: tenantId }).where('id', '=', id).execute(),
    remove: async (id) => Number((await db.deleteFrom('books').where('id', '=', id).executeTakeFirst()).numDeletedRows),
    async shelves() {
      const rows = await db
        .selectFrom('shelves')
        .innerJoin('books', 'books.shelf_id', 'shelves.id')
        .select(['shelves.tenant_id as shelfTenant', 'books.id', 'books.tenant_id', 'books.title', 'books.n'])
        .execute()
      const tenants = [...new Set(rows.map(({ shelfTenant }) => shelfTenant))]
      return tenants.map((tenantId) => ({
        tenantId,
        books: rows.filter((row) => row.shelfTenant === tenantId).map(asBook),
      }))
    },
    async raw(text, given = []) {
      const parts = text.split(/\$\d+/)
      const query = sql<Record<string, unknown>>(parts as unknown as TemplateStringsArray, ...given)
      return (await query.execute(db)).rows
    },
    transaction,
  }
}

async function open(kysely: KyselyModule, wall: Partywall): Promise<OpenOrm> {
  const { Kysely, PostgresDialect } = kysely
  // recipe
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: wall.pool, cursor: Cursor }) })
  // end of recipe
  return {
    ...operations(db, kysely, async (fn) => {
      const transaction = await db.startTransaction().execute()
      try {
        const result = await fn(
          operations(transaction, kysely, async (inner) => {
            const point = await transaction.savepoint('inner').execute()
            try {
              const value = await inner(operations(point, kysely, () => Promise.reject(new Error('not needed'))))
              await point.releaseSavepoint('inner').execute()
              return value
            } catch (error) {
              await point.rollbackToSavepoint('inner').execute()
              throw error
            }
          }),
        )
        await transaction.commit().execute()
        return result
      } catch (error) {
        await transaction.rollback().execute()
        throw error
      }
    }),
    async *stream(): AsyncGenerator<Book> {
      for await (const row of db.selectFrom('books').selectAll().stream(2)) yield asBook(row)
    },
    lazy: () => db.selectFrom('books').selectAll().execute(),
    close: async () => {}, // destroy() would end the wall's pool
  }
}

export function kyselyOrm(kysely: KyselyModule, version: string): OrmUnderTest {
  return { name: 'Kysely', package: 'kysely', version, open: (wall) => open(kysely, wall) }
}
