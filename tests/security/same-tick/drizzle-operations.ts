import { sql as drizzleSql, eq, relations } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import { fresh, type Operation } from './stage.ts'

const shelves = pgTable('shelves', {
  id: uuid('id').primaryKey().defaultRandom(),
  tenantId: uuid('tenant_id').notNull().default(drizzleSql`default`),
  label: text('label').notNull(),
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

export type DrizzleDatabase = NodePgDatabase<typeof schema>

export function openDrizzle(pool: TenantPool): DrizzleDatabase {
  return drizzle(pool, { schema })
}

export function drizzleOperations(db: () => DrizzleDatabase): Readonly<Record<string, Operation>> {
  const fixed = eq(books.n, -1)
  // Made once and run by both tenants, as modules do it.
  let prepared: { execute(): Promise<(typeof books.$inferSelect)[]> } | undefined
  return {
    select: async (r) => {
      const rows = await db().select().from(books).where(fixed)
      return { rows, count: rows.length, foreign: await db().select().from(books).where(eq(books.id, r.otherBookId)) }
    },
    'query with relations': async () => {
      const rows = await db().query.books.findMany({ where: fixed, with: { shelf: true } })
      return { rows, count: rows.length }
    },
    'query.findFirst': async (r) => ({
      rows: await db().query.shelves.findFirst({ where: eq(shelves.id, r.shelfId), with: { books: true } }),
      foreign: await db().query.books.findFirst({ where: eq(books.id, r.otherBookId) }),
    }),
    'a prepared query': async () => {
      prepared ??= db().select().from(books).where(fixed).prepare('fixed_books')
      const rows = await prepared.execute()
      return { rows, count: rows.length }
    },
    $count: async () => ({ count: await db().$count(books, fixed) }),
    execute: async () => {
      const { rows } = await db().execute(drizzleSql`select tenant_id from books where n = ${-1}`)
      return { rows, count: rows.length }
    },
    insert: async (r) => ({
      rows: await db().insert(books).values({ writer: r.tenant.id, title: fresh() }).returning(),
    }),
    upsert: async (r) => ({
      rows: await db()
        .insert(books)
        .values({ writer: r.tenant.id, title: 'fixed 1' })
        .onConflictDoUpdate({ target: [books.tenantId, books.title], set: { writer: r.tenant.id } })
        .returning(),
    }),
    update: async (r) => {
      const rows = await db().update(books).set({ writer: r.tenant.id }).where(fixed).returning()
      return { rows, count: rows.length }
    },
    delete: async (r) => {
      const title = fresh()
      await db().insert(books).values({ writer: r.tenant.id, title })
      return { rows: await db().delete(books).where(eq(books.title, title)).returning() }
    },
    'a nested transaction': (r) =>
      db().transaction(async (outer) => {
        const written = await outer.transaction((tx) =>
          tx.insert(books).values({ writer: r.tenant.id, title: fresh() }).returning(),
        )
        return { rows: [written, await outer.select().from(books)] }
      }),
  }
}
