import { type EntityManager, EntitySchema, MikroORM } from '@mikro-orm/postgresql'
import type { Partywall } from '../../../../src/partywall.ts'
import { asBook } from '../../adapters/pg.ts'
import type { NewBook, OpenOrm, Operations } from '../../conformance/orm.ts'
import { underTest } from './under-test.ts'

interface Shelf {
  id: string
  tenant_id?: string
  writer: string
  label: string
  books: { getItems(): object[] }
}
interface Book {
  id: string
  tenant_id?: string
  writer: string
  title: string
  n: number
  shelf?: Shelf
}
const UUID = { type: 'uuid', defaultRaw: 'gen_random_uuid()' } as const
const TENANT = { type: 'uuid', nullable: true, defaultRaw: 'default' } as const
const ShelfSchema = new EntitySchema<Shelf>({
  name: 'Shelf',
  tableName: 'shelves',
  properties: {
    id: { ...UUID, primary: true },
    tenant_id: TENANT,
    writer: { type: 'uuid' },
    label: { type: 'text' },
    books: { kind: '1:m', entity: () => BookSchema, mappedBy: 'shelf' } as never,
  },
})
const BookSchema: EntitySchema<Book> = new EntitySchema<Book>({
  name: 'Book',
  tableName: 'books',
  properties: {
    id: { ...UUID, primary: true },
    tenant_id: TENANT,
    writer: { type: 'uuid' },
    title: { type: 'text' },
    n: { type: 'integer', default: 0 },
    shelf: { kind: 'm:1', entity: () => ShelfSchema, nullable: true, fieldName: 'shelf_id' } as never,
  },
})

const row = (entity: object) => asBook(entity as Record<string, unknown>)
const values = ({ title, writer, n, shelfId, tenantId }: NewBook) =>
  ({
    title,
    writer,
    ...(n === undefined ? {} : { n }),
    ...(shelfId === undefined ? {} : { shelf: shelfId }),
    ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
  }) as never

/** @param em a fork for each operation, or the one of a transaction: a shared identity map would hold entities of both tenants */
function operations(em: () => EntityManager): Operations {
  return {
    all: async () => (await em().find(BookSchema, {})).map(row),
    async byId(id) {
      const found = await em().findOne(BookSchema, { id })
      return found === null ? undefined : row(found)
    },
    count: () => em().count(BookSchema, {}),
    async insert(book) {
      const own = em()
      const made = own.create(BookSchema, values(book))
      await own.persist(made).flush()
      await own.refresh(made)
      return row(made)
    },
    async insertMany(many) {
      return em().insertMany(BookSchema, many.map(values))
    },
    upsert: (book) =>
      em().upsert(BookSchema, values(book), {
        onConflictFields: ['tenant_id', 'title'] as never,
        onConflictMergeFields: ['n'] as never,
      }),
    setN: async (id, n) => em().nativeUpdate(BookSchema, { id }, { n }),
    setAllN: async (n) => em().nativeUpdate(BookSchema, {}, { n }),
    move: (id, tenantId) => em().nativeUpdate(BookSchema, { id }, { tenant_id: tenantId } as never),
    remove: (id) => em().nativeDelete(BookSchema, { id }),
    async shelves() {
      const found = await em().find(ShelfSchema, {}, { populate: ['books'] as never })
      return found.map((shelf) => ({ tenantId: String(shelf.tenant_id), books: shelf.books.getItems().map(row) }))
    },
    raw: (text, given = []) => em().execute(text.replace(/\$\d+/g, '?'), [...given] as never),
    transaction: (fn) => em().transactional((inside) => fn(operations(() => inside))),
  }
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const orm = await MikroORM.init({ ...wall.drivers.mikro(), entities: [BookSchema, ShelfSchema] })
  const em = () => orm.em.fork()
  // end of recipe
  return {
    ...operations(em),
    async *stream() {
      for await (const each of em().stream(BookSchema, {})) yield row(each)
    },
    lazy: () => em().find(BookSchema, {}),
    close: () => orm.close(true),
  }
}

export const mikro = underTest('MikroORM', '@mikro-orm/postgresql', open, { keepsBroken: true })
