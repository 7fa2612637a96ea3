// Every operation of every supported library, started by two tenants in the same tick: what a library collects, shares or keeps between
// calls must not carry one tenant's context to the other. With and without a promise that both await.
import { PrismaPg } from '@prisma/adapter-pg'
import { Kysely, PostgresDialect } from 'kysely'
import Cursor from 'pg-cursor'
import { beforeAll, describe, it } from 'vitest'
import { createTenantPool, type TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { tenantExtension } from '../../src/middleware/prisma.ts'
import { generatePrismaClient, PATIENT } from '../setup/prisma-client.ts'
import { type DrizzleDatabase, drizzleOperations, openDrizzle } from './same-tick/drizzle-operations.ts'
import { type KyselyTables, kyselyOperations } from './same-tick/kysely-operations.ts'
import { pgOperations } from './same-tick/pg-operations.ts'
import { type PrismaLike, prismaOperations } from './same-tick/prisma-operations.ts'
import { type Operation, openStage, type Stage } from './same-tick/stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})

const each = (operations: Readonly<Record<string, Operation>>) =>
  it.each(Object.entries(operations))('%s', (_name, operation) => stage.startTogether(operation), 120_000)

describe('pg, two tenants in the same tick', () => {
  each(pgOperations(() => stage.wall.pool))
})

describe('pg on pipelined connections, two tenants in the same tick', () => {
  let pool: TenantPool
  beforeAll(() => {
    const { database } = stage
    pool = createTenantPool({
      connectionString: database.appUrl,
      max: 4,
      pipelinedConnections: 2,
      seal: { secret: database.sealSecret },
      roles: { tenant_admin: ['owner'] },
      logger: silentLogger,
    })
    return () => pool.end()
  })
  each(pgOperations(() => pool))
})

describe('Kysely, two tenants in the same tick', () => {
  let db: Kysely<KyselyTables>
  beforeAll(() => {
    db = new Kysely({ dialect: new PostgresDialect({ pool: stage.wall.pool, cursor: Cursor }) })
  })
  each(kyselyOperations(() => db))
})

describe('Drizzle, two tenants in the same tick', () => {
  let db: DrizzleDatabase
  beforeAll(() => {
    db = openDrizzle(stage.wall.pool)
  })
  each(drizzleOperations(() => db))
})

describe('Prisma with tenantExtension(), two tenants in the same tick', () => {
  let prisma: PrismaLike
  beforeAll(async () => {
    const PrismaClient = await generatePrismaClient(
      new URL('./same-tick/prisma', import.meta.url),
      'test-prisma-same-tick',
    )
    const client = new PrismaClient({ adapter: new PrismaPg(stage.wall.pool), ...PATIENT }) as PrismaLike
    prisma = client.$extends(tenantExtension())
  })
  each(prismaOperations(() => prisma))
})
