import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { tenantExtension } from '../../src/middleware/prisma.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../setup/database.ts'
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
  $extends(extension: object): Client
  $transaction<T>(fn: (client: Client) => Promise<T>): Promise<T>
  $disconnect(): Promise<void>
}

/** `prisma generate` of the client without engines; it asks for an engine's file all the same, and never runs it. */
async function generatedClient(): Promise<new (options: object) => Client> {
  const folder = mkdtempSync(join(tmpdir(), 'partywall-prisma-'))
  const engine = join(folder, 'no-engine')
  writeFileSync(engine, '#!/bin/sh\nexit 0\n')
  chmodSync(engine, 0o755)
  try {
    const run = spawnSync(
      process.execPath,
      [fileURLToPath(new URL('../../node_modules/prisma/build/index.js', import.meta.url)), 'generate'],
      {
        cwd: fileURLToPath(new URL('./prisma', import.meta.url)),
        env: {
          ...process.env,
          PRISMA_SCHEMA_ENGINE_BINARY: engine,
          CHECKPOINT_DISABLE: '1',
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
        },
        encoding: 'utf8',
      },
    )
    if (run.status !== 0) throw new Error(`prisma generate failed:\n${run.stdout}\n${run.stderr}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
  const file = fileURLToPath(new URL('../../dist/test-prisma/client.ts', import.meta.url))
  return (await import(/* @vite-ignore */ file)).PrismaClient
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
    const PrismaClient = await generatedClient()
    plain = new PrismaClient({ adapter: new PrismaPg(wall.pool) })
    prisma = plain.$extends(tenantExtension())
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

  it('throws outside a tenant context', async () => {
    await expect(prisma.documents.findMany()).rejects.toThrow()
  })
})
