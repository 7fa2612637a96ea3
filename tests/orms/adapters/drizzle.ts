import { count, sql as drizzleSql, eq, relations } from 'drizzle-orm'
import { drizzle, type NodePgDatabase, type NodePgTransaction } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { Partywall } from '../../../src/partywall.ts'
import type { NewBook, OpenOrm, Operations, OrmUnderTest } from '../conformance/orm.ts'
import { installedVersion } from './installed-version.ts'
import { asBook, existing } from './pg.ts'

const shelves = pgTable('shelves', {
  id: uuid('id').primaryKey().defaultRandom(),
  tenantId: uuid('tenant_id').notNull().default(drizzleSql`default`),
})
const books = pgTable('books', {
  id: uuid('id').primaryKey().defaultRandom(),
  tenantId: uuid('tenant_id').notNull().default(drizzleSql`default`),
  writer: uuid('writer').notNull(),
  title: text('title').notNull(),
  n: integer('n').notNull().default(0),
  shelfId: uuid('shelf_id'),
})
const schema = {
  shelves,
  books,
  shelfRelations: relations(shelves, ({ many }) => ({ books: many(books) })),
  bookRelations: relations(books, ({ one }) => ({
    shelf: one(shelves, { fields: [books.shelfId], references: [shelves.id] }),
  })),
}
type Db = NodePgDatabase<typeof schema> | NodePgTransaction<typeof schema, never>

const values = ({ title, writer, n, shelfId, tenantId }: NewBook) => ({
  title,
  writer,
  ...(n === undefined ? {} : { n }),
  ...(shelfId === undefined ? {} : { shelfId }),
  ...(tenantId === undefined ? {} : { tenantId }),
})

function operations(db: Db): Operations {
  return {
    all: async () => (await db.select().from(books)).map(asBook),
    async byId(id) {
      const [row] = await db.select().from(books).where(eq(books.id, id))
      return row === undefined ? undefined : asBook(row)
    },
    count: async () => (await db.select({ n: count() }).from(books))[0]?.n ?? 0,
    insert: async (book) => asBook(existing((await db.insert(books).values(values(book)).returning())[0])),
    insertMany: async (many) => db.insert(books).values(many.map(values)),
    upsert: async (book) =>
      db
        .insert(books)
        .values(values(book))
        .onConflictDoUpdate({ target: [books.tenantId, books.title], set: { n: book.n ?? 0 } }),
    setN: async (id, n) => (await db.update(books).set({ n }).where(eq(books.id, id))).rowCount ?? 0,
    setAllN: async (n) => (await db.update(books).set({ n })).rowCount ?? 0,
    move: async (id, tenantId) => db.update(books).set({ tenantId }).where(eq(books.id, id)),
    remove: async (id) => (await db.delete(books).where(eq(books.id, id))).rowCount ?? 0,
    async shelves() {
      const found = await db.query.shelves.findMany({ with: { books: true } })
      return found.map((shelf) => ({ tenantId: shelf.tenantId, books: shelf.books.map(asBook) }))
    },
    async raw(statement, given = []) {
      const chunks = statement.split(/\$\d+/).flatMap((part, index) => {
        const piece = drizzleSql.raw(part)
        return index === 0 ? [piece] : [drizzleSql`${given[index - 1]}`, piece]
      })
      return (await db.execute(drizzleSql.join(chunks))).rows
    },
    transaction: (fn) => db.transaction((inside) => fn(operations(inside as Db))),
  }
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const db = drizzle(wall.pool, { schema })
  // end of recipe
  return {
    ...operations(db),
    // Drizzle has no streams for PostgreSQL, so pages of its queries are read.
    async *stream() {
      for (let offset = 0; ; offset += 2) {
        const page = await db.select().from(books).orderBy(books.id).limit(2).offset(offset)
        if (page.length === 0) return
        yield* page.map(asBook)
      }
    },
    lazy: () => db.select().from(books),
    close: async () => {},
  }
}

export const drizzleOrm: OrmUnderTest = {
  name: 'Drizzle',
  package: 'drizzle-orm',
  version: installedVersion('drizzle-orm'),
  open,
  lacks: { streams: 'Drizzle has none for PostgreSQL; pages are read' },
}
