import { type Generated, type Kysely, sql } from 'kysely'
import { fresh, type Operation } from './stage.ts'

interface Book {
  readonly id: Generated<string>
  readonly tenant_id: Generated<string>
  readonly writer: string
  readonly title: string
  readonly n: Generated<number>
}
export interface KyselyTables {
  readonly books: Book
}

export function kyselyOperations(db: () => Kysely<KyselyTables>): Readonly<Record<string, Operation>> {
  const fixed = () => db().selectFrom('books').selectAll().where('n', '=', -1)
  return {
    select: async (r) => {
      const rows = await fixed().execute()
      return {
        rows,
        count: rows.length,
        foreign: await db().selectFrom('books').selectAll().where('id', '=', r.otherBookId).executeTakeFirst(),
      }
    },
    'a stream': async () => {
      const rows: unknown[] = []
      for await (const row of fixed().stream(2)) rows.push(row)
      return { rows, count: rows.length }
    },
    'sql``': async () => {
      const { rows } = await sql`select tenant_id from books where n = ${-1}`.execute(db())
      return { rows, count: rows.length }
    },
    insert: async (r) => ({
      rows: await db().insertInto('books').values({ writer: r.tenant.id, title: fresh() }).returningAll().execute(),
    }),
    update: async (r) => ({
      rows: await db().updateTable('books').set({ writer: r.tenant.id }).where('n', '=', -1).returningAll().execute(),
    }),
    delete: async (r) => {
      const title = fresh()
      await db().insertInto('books').values({ writer: r.tenant.id, title }).execute()
      return { rows: await db().deleteFrom('books').where('title', '=', title).returningAll().execute() }
    },
    'a transaction': (r) =>
      db()
        .transaction()
        .execute(async (trx) => ({
          rows: [
            await trx.insertInto('books').values({ writer: r.tenant.id, title: fresh() }).returningAll().execute(),
            await trx.selectFrom('books').selectAll().execute(),
          ],
        })),
    'a connection': () =>
      db()
        .connection()
        .execute(async (one) => ({ rows: await one.selectFrom('books').selectAll().execute() })),
    'a controlled transaction': async (r) => {
      const trx = await db().startTransaction().execute()
      const rows = await trx
        .insertInto('books')
        .values({ writer: r.tenant.id, title: fresh() })
        .returningAll()
        .execute()
      await trx.commit().execute()
      return { rows }
    },
  }
}
