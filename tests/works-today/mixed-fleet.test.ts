// ORMs on one pool with a mixed fleet: two tenants in shared tables, two in a schema of their own.
import { PrismaPg } from '@prisma/adapter-pg'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import { getCurrentTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import { tenantExtension } from '../../src/middleware/prisma.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { generatePrismaClient, PATIENT } from '../setup/prisma-client.ts'
import { contextOf, createPlacedTenant } from '../setup/tenant-schemas.ts'
import { createTestWall } from '../setup/wall.ts'

/** The requests of one ORM; each returns the tenant ids of the rows that it saw. */
interface Orm {
  /** Writes a document with this title, by the ORM's own transaction where it has one. */
  write(title: string): Promise<readonly string[]>
  read(title: string): Promise<readonly string[]>
  readAll(): Promise<readonly string[]>
}

interface DocumentRow {
  readonly tenant_id: string
}
interface PrismaLike {
  readonly documents: {
    findMany(args?: object): Promise<DocumentRow[]>
    create(args: object): Promise<DocumentRow>
  }
  $extends(extension: (client: PrismaLike) => PrismaLike): PrismaLike
  $transaction<T>(fn: (client: PrismaLike) => Promise<T>): Promise<T>
  $disconnect(): Promise<void>
}

const ids = (rows: readonly { readonly tenant_id: string }[]) => rows.map((row) => row.tenant_id)

let database: TestDatabase
let wall: Partywall
let fleet: readonly TestTenant[]

beforeAll(async () => {
  database = await createTestDatabase()
  ;({ wall } = await createTestWall(database))
  fleet = [
    await createTestTenant(database),
    await createPlacedTenant(database),
    await createTestTenant(database),
    await createPlacedTenant(database),
  ]
})

function drizzleOrm(): Orm {
  const documents = pgTable('documents', {
    id: uuid('id'),
    tenant_id: uuid('tenant_id').notNull(),
    title: text('title'),
  })
  const db = drizzle({ client: wall.pool })
  const byTitle = db
    .select({ tenant_id: documents.tenant_id })
    .from(documents)
    .where(eq(documents.title, sql.placeholder('title')))
    .prepare('documents_by_title')
  return {
    write: (title) =>
      db.transaction(async (tx) => {
        const { tenantId } = getCurrentTenant()
        return ids(
          await tx
            .insert(documents)
            .values({ title, tenant_id: tenantId })
            .returning({ tenant_id: documents.tenant_id }),
        )
      }),
    read: async (title) => ids(await byTitle.execute({ title })),
    readAll: async () => ids(await db.select({ tenant_id: documents.tenant_id }).from(documents)),
  }
}

function kyselyOrm(): Orm {
  const db = new Kysely<{ documents: { tenant_id: string; title: string } }>({
    dialect: new PostgresDialect({ pool: wall.pool }),
  })
  return {
    write: (title) =>
      db.transaction().execute(async (tx) => {
        const { tenantId } = getCurrentTenant()
        return ids(
          await tx.insertInto('documents').values({ title, tenant_id: tenantId }).returning('tenant_id').execute(),
        )
      }),
    read: async (title) =>
      ids(await db.selectFrom('documents').select('tenant_id').where('title', '=', title).execute()),
    readAll: async () => ids(await db.selectFrom('documents').select('tenant_id').execute()),
  }
}

/** Prisma writes the schema into each statement, so each placement has a client of its own. */
async function prismaOrm(): Promise<Orm> {
  const PrismaClient = await generatePrismaClient(new URL('./prisma', import.meta.url), 'test-prisma')
  const clients = new Map<string, PrismaLike>()
  const client = (): PrismaLike => {
    const schema = getCurrentTenant().placement?.schema ?? 'public'
    let known = clients.get(schema)
    if (known === undefined) {
      const adapter = new PrismaPg(wall.pool, { schema })
      known = (new PrismaClient({ adapter, ...PATIENT }) as PrismaLike).$extends(tenantExtension())
      clients.set(schema, known)
    }
    return known
  }
  return {
    write: (title) => client().$transaction(async (tx) => ids([await tx.documents.create({ data: { title } })])),
    read: async (title) => ids(await client().documents.findMany({ where: { title } })),
    readAll: async () => ids(await client().documents.findMany()),
  }
}

describe.each([
  { name: 'Drizzle', make: async () => drizzleOrm() },
  { name: 'Kysely', make: async () => kyselyOrm() },
  { name: 'Prisma', make: prismaOrm },
])('$name', ({ name, make }) => {
  it('answers 400 interleaved requests of a mixed fleet, none with a row of another tenant or from another place', async () => {
    const orm = await make()
    let wrong = 0
    const request = async (place: number) => {
      const tenant = fleet[place % fleet.length]
      if (tenant === undefined) throw new Error('no tenant')
      const title = `${name} ${place}`
      await runWithTenant(contextOf(tenant, ['owner']), async () => {
        const seen = [await orm.write(title), await orm.read(title), await orm.readAll()]
        if (seen.some((rows) => rows.length === 0 || rows.some((id) => id !== tenant.id))) wrong++
        if (seen[1]?.length !== 1) wrong++
      })
    }
    for (let start = 0; start < 400; start += 40)
      await Promise.all(Array.from({ length: 40 }, (_, place) => request(start + place)))
    expect(wrong).toBe(0)
    for (const tenant of fleet) {
      const place = contextOf(tenant).placement?.schema ?? 'public'
      const { rows } = await database.admin(
        `select count(*)::int as n from ${place}.documents where title like $1 and tenant_id = $2`,
        [`${name} %`, tenant.id],
      )
      expect(rows).toEqual([{ n: 100 }])
    }
  })
})
