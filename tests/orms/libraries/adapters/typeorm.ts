import { DataSource, type EntityManager, EntitySchema, type ObjectLiteral } from 'typeorm'
import { runWithoutTenant } from '../../../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../../../src/partywall.ts'
import { asBook } from '../../adapters/pg.ts'
import type { NewBook, OpenOrm, Operations } from '../../conformance/orm.ts'
import { underTest } from './under-test.ts'

const Book = new EntitySchema<ObjectLiteral>({
  name: 'books',
  columns: {
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    // The database fills the column from the context.
    tenant_id: { type: 'uuid', default: () => "nullif(current_setting('app.current_tenant_id', true), '')::uuid" },
    writer: { type: 'uuid' },
    title: { type: 'text' },
    n: { type: 'integer', default: 0 },
    shelf_id: { type: 'uuid', nullable: true },
  },
  relations: { shelf: { type: 'many-to-one', target: 'shelves', joinColumn: { name: 'shelf_id' } } },
})
const Shelf = new EntitySchema<ObjectLiteral>({
  name: 'shelves',
  columns: {
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    tenant_id: { type: 'uuid', default: () => "nullif(current_setting('app.current_tenant_id', true), '')::uuid" },
    writer: { type: 'uuid' },
    label: { type: 'text' },
  },
  relations: { books: { type: 'one-to-many', target: 'books', inverseSide: 'shelf' } },
})

const values = ({ title, writer, n, shelfId, tenantId }: NewBook) => ({
  title,
  writer,
  ...(n === undefined ? {} : { n }),
  ...(shelfId === undefined ? {} : { shelf_id: shelfId }),
  ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
})

function operations(db: EntityManager): Operations {
  const books = () => db.getRepository(Book)
  return {
    all: async () => (await books().find()).map(asBook),
    async byId(id) {
      const row = await books().findOneBy({ id })
      return row === null ? undefined : asBook(row)
    },
    count: () => books().count(),
    insert: async (book) => asBook(await books().save(values(book))),
    insertMany: (many) => books().insert(many.map(values)),
    upsert: (book) => books().upsert(values(book), { conflictPaths: ['tenant_id', 'title'] }),
    setN: async (id, n) => (await books().update({ id }, { n })).affected ?? 0,
    setAllN: async (n) => (await books().createQueryBuilder().update().set({ n }).execute()).affected ?? 0,
    move: (id, tenantId) => books().update({ id }, { tenant_id: tenantId }),
    remove: async (id) => (await books().delete({ id })).affected ?? 0,
    async shelves() {
      const found = await db.getRepository(Shelf).find({ relations: { books: true } })
      return found.map((shelf) => ({ tenantId: String(shelf['tenant_id']), books: shelf['books'].map(asBook) }))
    },
    raw: (text, given = []) => db.query(text, [...given]),
    transaction: (fn) => db.transaction((inside) => fn(operations(inside))),
  }
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const source = new DataSource({ ...wall.drivers.typeorm(), entities: [Book, Shelf] })
  await runWithoutTenant(() => source.initialize())
  // end of recipe
  return {
    ...operations(source.manager),
    async *stream() {
      const stream = await source.getRepository(Book).createQueryBuilder('b').stream()
      for await (const row of stream)
        yield asBook({ id: row.b_id, tenantId: row.b_tenant_id, title: row.b_title, n: row.b_n })
    },
    lazy: () => source.getRepository(Book).find(),
    close: () => source.destroy(),
  }
}

export const typeorm = underTest('TypeORM', 'typeorm', open)
