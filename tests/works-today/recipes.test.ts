// Each row of README's table "Works today" but Prisma: a recipe of at most ten lines, and what it must not let through.
import { sql as drizzleSql, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

interface Database {
  documents: { id: string; tenant_id: string; title: string }
}

const documents = pgTable('documents', {
  id: uuid('id').primaryKey().defaultRandom(),
  tenantId: uuid('tenant_id').notNull().default(drizzleSql`default`),
  title: text('title').notNull(),
})

describe('works today', () => {
  let wall: Partywall
  let a: TestTenant
  let b: TestTenant
  const as = <T>(tenant: TestTenant, fn: () => Promise<T>) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, fn)

  beforeAll(async () => {
    const database = await createTestDatabase()
    ;({ wall } = await createTestWall(database))
    a = await createTestTenant(database)
    b = await createTestTenant(database)
  })

  interface Recipe {
    /** Titles that the library reads. */
    readonly titles: () => Promise<string[]>
    readonly byId: (id: string) => Promise<unknown[]>
    readonly insert?: (title: string) => Promise<unknown>
    /** Inserts and fails: nothing may stay. */
    readonly rolledBack?: (title: string) => Promise<unknown>
  }

  const recipes: Record<string, () => Recipe> = {
    pg: () => ({
      titles: async () => (await wall.pool.query('select title from documents')).rows.map(({ title }) => title),
      byId: async (id) => (await wall.pool.query('select id from documents where id = $1', [id])).rows,
      insert: (title) => wall.pool.query('insert into documents (title) values ($1)', [title]),
      rolledBack: (title) =>
        wall.pool.transaction(async (transaction) => {
          await transaction.query('insert into documents (title) values ($1)', [title])
          throw new Error('rolled back')
        }),
    }),
    'pg, a client of the pool': () => ({
      async titles() {
        const client = await wall.pool.connect()
        try {
          return (await client.query('select title from documents')).rows.map(({ title }) => title)
        } finally {
          client.release()
        }
      },
      byId: (id) =>
        new Promise((resolve, reject) => {
          wall.pool.query('select id from documents where id = $1', [id], (error: Error, result: pg.QueryResult) =>
            error ? reject(error) : resolve(result.rows),
          )
        }),
    }),
    Kysely: () => {
      const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: wall.pool, cursor: Cursor }) })
      return {
        titles: async () => (await db.selectFrom('documents').select('title').execute()).map(({ title }) => title),
        byId: (id) => db.selectFrom('documents').selectAll().where('id', '=', id).execute(),
        insert: (title) =>
          db
            .insertInto('documents')
            .columns(['title'])
            .expression(db.selectNoFrom((eb) => eb.val(title).as('title')))
            .execute(),
        rolledBack: (title) =>
          db.transaction().execute(async (transaction) => {
            await transaction.updateTable('documents').set({ title }).execute()
            throw new Error('rolled back')
          }),
      }
    },
    Drizzle: () => {
      const db = drizzle(wall.pool)
      return {
        titles: async () => (await db.select().from(documents)).map(({ title }) => title),
        byId: (id) => db.select().from(documents).where(eq(documents.id, id)),
        insert: (title) => db.insert(documents).values({ title }),
        rolledBack: (title) =>
          db.transaction(async (transaction) => {
            await transaction.insert(documents).values({ title })
            throw new Error('rolled back')
          }),
      }
    },
    'pg-cursor': () => {
      const read = async (text: string, values: unknown[]) => {
        const client = await wall.pool.connect()
        const cursor = client.query(new Cursor(text, values))
        try {
          const rows: { title: string }[] = []
          for (let part = await cursor.read(1); part.length > 0; part = await cursor.read(1)) rows.push(...part)
          return rows
        } finally {
          await cursor.close()
          client.release()
        }
      }
      return {
        titles: async () => (await read('select title from documents', [])).map(({ title }) => title),
        byId: (id) => read('select title from documents where id = $1', [id]),
      }
    },
    'pg-query-stream': () => {
      const read = async (text: string, values: unknown[]) => {
        const client = await wall.pool.connect()
        try {
          const rows: { title: string }[] = []
          for await (const row of client.query(new QueryStream(text, values, { batchSize: 1 }))) rows.push(row)
          return rows
        } finally {
          client.release()
        }
      }
      return {
        titles: async () => (await read('select title from documents', [])).map(({ title }) => title),
        byId: (id) => read('select title from documents where id = $1', [id]),
      }
    },
  }

  describe.each(Object.entries(recipes))('%s', (name, recipe) => {
    it('reads rows of the tenant of the context alone', async () => {
      const { titles, byId } = recipe()
      expect(await as(a, titles)).toContain('First document')
      expect(await as(a, () => byId(a.documentId))).toHaveLength(1)
      expect(await as(a, () => byId(b.documentId))).toEqual([])
    })

    it('reads nothing outside a context', async () => {
      await expect((async () => recipe().titles())()).rejects.toThrow()
    })

    it('keeps 60 interleaved readers apart', async () => {
      const { byId } = recipe()
      const found = await Promise.all(
        Array.from({ length: 60 }, (_, index) => {
          const tenant = index % 2 === 0 ? a : b
          return as(tenant, () => byId(index % 3 === 0 ? a.documentId : b.documentId))
        }),
      )
      for (const [index, rows] of found.entries())
        expect(rows).toHaveLength((index % 2 === 0) === (index % 3 === 0) ? 1 : 0)
    })

    it('writes for the tenant of the context, and a transaction rolls back', async () => {
      const { insert, rolledBack, titles } = recipe()
      if (insert !== undefined) {
        await as(b, () => insert(`written by ${name}`))
        expect(await as(b, titles)).toContain(`written by ${name}`)
        expect(await as(a, titles)).not.toContain(`written by ${name}`)
      }
      if (rolledBack !== undefined) {
        await expect(as(b, () => rolledBack(`gone with ${name}`))).rejects.toThrow('rolled back')
        expect(await as(b, titles)).not.toContain(`gone with ${name}`)
      }
      expect(await as(a, titles)).toContain('First document')
    })
  })
})
