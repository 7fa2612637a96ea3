import Knex, { type Knex as Db } from 'knex'
import type { Partywall } from '../../../../src/partywall.ts'
import { asBook, existing } from '../../adapters/pg.ts'
import type { NewBook, OpenOrm, Operations } from '../../conformance/orm.ts'
import { underTest } from './under-test.ts'

export const values = ({ title, writer, n, shelfId, tenantId }: NewBook) => ({
  title,
  writer,
  ...(n === undefined ? {} : { n }),
  ...(shelfId === undefined ? {} : { shelf_id: shelfId }),
  ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
})

/** Knex numbers its bindings itself. */
export async function raw(db: Db, text: string, given: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
  const { rows } = await db.raw(text.replace(/\$\d+/g, '?'), given as never)
  return rows
}

function operations(db: Db): Operations {
  return {
    all: async () => (await db('books').select()).map(asBook),
    async byId(id) {
      const row = await db('books').where({ id }).first()
      return row === undefined ? undefined : asBook(row)
    },
    count: async () => Number((await db('books').count({ n: '*' }))[0]?.['n']),
    insert: async (book) => asBook(existing((await db('books').insert(values(book)).returning('*'))[0])),
    insertMany: async (many) => db('books').insert(many.map(values)),
    upsert: async (book) => db('books').insert(values(book)).onConflict(['tenant_id', 'title']).merge(['n']),
    setN: async (id, n) => db('books').where({ id }).update({ n }),
    setAllN: async (n) => db('books').update({ n }),
    move: async (id, tenantId) => db('books').where({ id }).update({ tenant_id: tenantId }),
    remove: async (id) => db('books').where({ id }).delete(),
    async shelves() {
      const rows = await db('shelves')
        .join('books', 'books.shelf_id', 'shelves.id')
        .select('books.*', { shelf_tenant: 'shelves.tenant_id' })
      const tenants = [...new Set(rows.map((row) => row.shelf_tenant))]
      return tenants.map((tenantId) => ({
        tenantId,
        books: rows.filter((row) => row.shelf_tenant === tenantId).map(asBook),
      }))
    },
    raw: (text, given) => raw(db, text, given),
    transaction: (fn) => db.transaction((inside) => fn(operations(inside))),
  }
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const db = Knex(wall.drivers.knex())
  // end of recipe
  return {
    ...operations(db),
    async *stream() {
      for await (const row of db('books').select().stream({ highWaterMark: 2 })) yield asBook(row)
    },
    lazy: () => db('books').select(),
    close: () => db.destroy(),
  }
}

export const knex = underTest('Knex', 'knex', open)
