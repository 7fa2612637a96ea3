import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { beforeAll, describe, expect, it } from 'vitest'
import { tenantContextMiddleware } from '../../src/middleware/tenant-context.ts'
import { tenantErrorHandler } from '../../src/middleware/tenant-error-handler.ts'
import type { PartywallConfig } from '../../src/partywall.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { createTestWall, serve } from '../setup/wall.ts'

// Schema tools that run as the owner while a service runs. They have packages of their own, installed on first use.

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'schema-tools')
const ISOLATION = "tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
const SEAL = 'tenant_id = (select partywall.tenant_id()::uuid)'
const PROTECT = `alter table public.documents enable row level security, force row level security;
  create policy tenant_isolation_policy on public.documents using (${ISOLATION}) with check (${ISOLATION});
  create policy tenant_seal_policy on public.documents as restrictive to tenant_user, tenant_admin using (${SEAL}) with check (${SEAL})`

beforeAll(() => {
  if (existsSync(join(folder, 'node_modules', 'drizzle-kit'))) return
  run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {})
}, 240_000)

function run(program: string, args: readonly string[], environment: Readonly<Record<string, string>>): string {
  const ran = spawnSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 200_000,
    env: { ...process.env, ...environment },
  })
  if (ran.status !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${ran.status}: ${ran.stdout}${ran.stderr}`)
  return ran.stdout
}

interface Service {
  readonly database: TestDatabase
  /** The login that owns the table, as a migration role does: no superuser. */
  readonly ownerUrl: string
  readonly told: readonly string[]
  /** Status, and the tenants whose rows are in the answer. */
  ask(): Promise<{ readonly status: number; readonly tenants: number }>
}

/** A service with one table, that the tool knows too, and rows of two tenants in it. */
async function startService(protectionWatch: PartywallConfig['protectionWatch']): Promise<Service> {
  const database = await createTestDatabase()
  const owner = `schema_owner_${randomUUID().slice(0, 8)}`
  const ownerUrl = new URL(database.adminUrl)
  ownerUrl.username = owner
  ownerUrl.password = database.appPassword
  await database.admin(`drop table public.documents cascade; drop table public.projects, public.users cascade;
    create table public.documents (id uuid primary key default gen_random_uuid(), tenant_id uuid not null, title text not null,
      created_at timestamptz not null default now());
    create role ${owner} login password '${database.appPassword}'; grant create, usage on schema public to ${owner};
    grant connect, create on database "${new URL(database.adminUrl).pathname.slice(1)}" to ${owner};
    alter table public.documents owner to ${owner}; grant select, insert, update on public.documents to tenant_user, tenant_admin; ${PROTECT}`)
  const ids = await Promise.all([plant(database), plant(database)])
  const { wall, issuer } = await createTestWall(database, { protectionWatch, audit: false })
  const told: string[] = []
  wall.events.on('PROTECTION_CHANGED', (event) => told.push(...event.objects))
  await wall.ready()
  const app = express()
  app.use(tenantContextMiddleware(wall))
  app.get('/documents', async (_request, response) => {
    response.json((await wall.pool.query('select tenant_id from documents')).rows)
  })
  app.use(tenantErrorHandler())
  const url = await serve(app)
  const key = ids[0]
  const token = await issuer.sign({ claims: { org_id: key } })
  return {
    database,
    ownerUrl: ownerUrl.href,
    told,
    async ask() {
      const answer = await fetch(`${url}/documents`, { headers: { authorization: `Bearer ${token}` } })
      const body: unknown = await answer.json()
      const rows: readonly { tenant_id: string }[] = Array.isArray(body) ? body : []
      return { status: answer.status, tenants: new Set(rows.map((row) => row.tenant_id)).size }
    },
  }
}

/** @returns the tenant's key */
async function plant(database: TestDatabase): Promise<string> {
  const key = `tenant-${Math.random().toString(36).slice(2, 10)}`
  await database.admin(
    "with t as (insert into public.tenants (key, name) values ($1, $1) returning id) insert into public.documents (tenant_id, title) select id, 'x' from t",
    [key],
  )
  return key
}

const tools: readonly (readonly [string, (ownerUrl: string) => unknown])[] = [
  [
    'drizzle-kit push --force',
    (ownerUrl) =>
      run(
        process.execPath,
        [
          join('node_modules', 'drizzle-kit', 'bin.cjs'),
          'push',
          '--force',
          '--dialect=postgresql',
          '--schema=drizzle-schema.ts',
          '--tablesFilter=documents',
          `--url=${ownerUrl}`,
        ],
        {},
      ),
  ],
  ['MikroORM’s schema update', (ownerUrl) => run(process.execPath, ['mikro-update.mjs'], { DATABASE_URL: ownerUrl })],
]

describe.each(tools)('%s, run as the owner while a service runs', (_name, change) => {
  it('lets a request see two tenants where nothing watches', async () => {
    const service = await startService(false)
    expect(await service.ask()).toEqual({ status: 200, tenants: 1 })
    await change(service.ownerUrl)
    expect(await service.ask()).toEqual({ status: 200, tenants: 2 })
  })

  it('is answered with 503 after at most one interval, and with rows when the protection is back', async () => {
    const service = await startService({ intervalMs: 200 })
    expect(await service.ask()).toEqual({ status: 200, tenants: 1 })
    await change(service.ownerUrl)
    await expect.poll(() => service.ask(), { timeout: 10_000, interval: 20 }).toEqual({ status: 503, tenants: 0 })
    expect(service.told).toContain('documents')
    await service.database.admin(PROTECT)
    await expect.poll(() => service.ask(), { timeout: 10_000, interval: 20 }).toEqual({ status: 200, tenants: 1 })
  })
})
