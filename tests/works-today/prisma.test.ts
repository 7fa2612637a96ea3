import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { tenantExtension } from '../../src/middleware/prisma.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../setup/database.ts'
import { generatePrismaClient, PATIENT } from '../setup/prisma-client.ts'
import { createTestWall } from '../setup/wall.ts'

interface Row {
  readonly id: string
  readonly tenant_id: string
}
interface Model {
  findMany(args?: object): Promise<Row[]>
  findUnique(args: object): Promise<Row | null>
  findUniqueOrThrow(args: object): Promise<Row>
  create(args: object): Promise<Row>
}
interface Client {
  readonly documents: Model
  readonly notes: Model
  $extends(extension: object | ((client: Client) => Client)): Client
  $transaction<T>(fn: (client: Client) => Promise<T>): Promise<T>
  $disconnect(): Promise<void>
}

describe('Prisma 7 on the tenant pool', () => {
  let wall: Partywall
  let a: TestTenant
  let b: TestTenant
  let plain: Client
  let prisma: Client
  const notes: Record<string, string> = {}
  const as = <T>(tenant: TestTenant, fn: () => Promise<T>) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, fn)

  beforeAll(async () => {
    const database = await createTestDatabase()
    ;({ wall } = await createTestWall(database))
    a = await createTestTenant(database)
    b = await createTestTenant(database)
    await database.admin(`
      create table notes (id uuid primary key, tenant_id uuid not null, text text not null);
      alter table notes enable row level security; alter table notes force row level security;
      create policy tenant_isolation_policy on notes using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));
      grant select on notes to tenant_user, tenant_admin`)
    for (const tenant of [a, b]) {
      notes[tenant.id] = randomUUID()
      await database.admin('insert into notes values ($1, $2, $3)', [
        notes[tenant.id],
        tenant.id,
        `note of ${tenant.key}`,
      ])
    }
    const PrismaClient = await generatePrismaClient(new URL('./prisma', import.meta.url), 'test-prisma')
    plain = new PrismaClient({ adapter: new PrismaPg(wall.pool), ...PATIENT }) as Client
    prisma = (new PrismaClient({ adapter: new PrismaPg(wall.pool), ...PATIENT }) as Client).$extends(tenantExtension())
  })

  it('reads and writes for the tenant of the context', async () => {
    const made = await as(a, () => prisma.documents.create({ data: { title: 'by Prisma' } }))
    expect(made.tenant_id).toBe(a.id)
    const rows = await as(b, () => prisma.documents.findMany())
    expect(new Set(rows.map((row) => row.tenant_id))).toEqual(new Set([b.id]))
  })

  /** Two tenants ask in one tick, B for A's row. */
  async function sameTick(client: Client) {
    const ask = (tenant: TestTenant, of: TestTenant) =>
      as(tenant, () => client.notes.findUnique({ where: { id: notes[of.id] } }))
    const [own, foreign, second] = await Promise.all([ask(a, a), ask(b, a), ask(b, b)])
    return { own, foreign, second }
  }

  it('without the extension findUnique of one tick crosses tenants: the leak is real', async () => {
    const { foreign, second } = await sameTick(plain)
    expect(foreign).toMatchObject({ tenant_id: a.id })
    expect(second).toBeNull()
  })

  it('with tenantExtension nothing crosses', async () => {
    const { own, foreign, second } = await sameTick(prisma)
    expect(own).toMatchObject({ tenant_id: a.id })
    expect(foreign).toBeNull()
    expect(second).toMatchObject({ tenant_id: b.id })
  })

  it('findUnique takes compound keys, and findUniqueOrThrow throws', async () => {
    const where = { tenant_id_id: { tenant_id: a.id, id: a.documentId } }
    expect(await as(a, () => prisma.documents.findUnique({ where }))).toMatchObject({ id: a.documentId })
    expect(await as(b, () => prisma.documents.findUnique({ where }))).toBeNull()
    await expect(as(b, () => prisma.documents.findUniqueOrThrow({ where }))).rejects.toMatchObject({ code: 'P2025' })
  })

  it('findUnique inside a transaction sees what the transaction wrote', async () => {
    const seen = await as(a, () =>
      prisma.$transaction(async (transaction) => {
        const { id } = await transaction.documents.create({ data: { title: 'inside' } })
        return transaction.documents.findUnique({ where: { tenant_id_id: { tenant_id: a.id, id } } })
      }),
    )
    expect(seen).toMatchObject({ tenant_id: a.id })
  })

  it('refuses a client whose way of collecting it does not know, and takes an extended one twice', () => {
    const extended = prisma.$extends({ name: 'another' })
    expect(extended.$extends(tenantExtension())).toBe(extended)
    const unknown = { code: 'PARTYWALL_CONFIGURATION' }
    const handlers = [
      undefined,
      {},
      { dataloader: {}, request() {} },
      { dataloader: { request() {}, options: { batchBy() {} } }, request() {} },
      // Its requests no longer go through the loader.
      { ...loaderOf(plain), request: async () => {} },
    ]
    for (const _requestHandler of handlers)
      expect(() => tenantExtension()({ _requestHandler })).toThrow(expect.objectContaining(unknown))
    expect(() => tenantExtension()({ _requestHandler: loaderOf(plain) })).not.toThrow()
  })

  it('throws outside a tenant context', async () => {
    await expect(prisma.documents.findMany()).rejects.toThrow()
  })
})

function loaderOf(client: object) {
  const handler: { dataloader: { request(request: unknown): Promise<unknown> } } = Reflect.get(
    client,
    '_requestHandler',
  )
  return {
    dataloader: handler.dataloader,
    request(request: unknown): Promise<unknown> {
      return this.dataloader.request(request)
    },
  }
}
