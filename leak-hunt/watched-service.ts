import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { createTenantPool, type TenantPool } from '../src/database/pool/create-tenant-pool.ts'
import type { ThrowAwayServer } from '../src/embedded/throw-away-server.ts'
import { createSecurityEvents } from '../src/events/security-events.ts'
import { silentLogger } from '../src/logger/logger.ts'
import { migrate } from '../src/migrate/migrate.ts'
import { makeGate, makeProtection } from '../src/partywall/protection-parts.ts'
import { sealedRow } from '../src/seal/policy-text.ts'

/** A service under the protection watch, with a database of its own for a schema tool to work on. */
export interface WatchedService {
  readonly pool: TenantPool
  /** A tenant with rows in `vault`; there are rows of others, too. */
  readonly tenantId: string
  /** Runs SQL as the owner of the tables, as a schema tool does. */
  owner(text: string): Promise<unknown>
  close(): Promise<void>
}

const INTERVAL_MS = 100

export async function openWatchedService(
  server: ThrowAwayServer,
  login: { readonly user: string; readonly password: string },
  sealSecret: string | undefined,
): Promise<WatchedService> {
  const database = await server.createDatabase()
  await migrate({ databaseUrl: server.url(database), ...(sealSecret === undefined ? {} : { sealSecret }) })
  const admin = new pg.Pool({ connectionString: server.url(database), max: 1 })
  admin.on('error', () => {})
  const tenants = [randomUUID(), randomUUID()] as const
  await admin.query(vault(sealSecret !== undefined))
  await admin.query('insert into vault (tenant_id) select unnest($1::uuid[])', [tenants])
  const events = createSecurityEvents()
  const gate = makeGate()
  const options = {
    connectionString: server.urlAs(login.user, login.password, database),
    max: 2,
    seal: sealSecret === undefined ? (false as const) : { secret: sealSecret },
    roles: { tenant_admin: ['admin'] },
    events,
    logger: silentLogger,
  }
  const pool = createTenantPool({ ...options, protection: gate })
  pool.on('error', () => {}) // the hunt ends backends at random
  const protection = makeProtection({ intervalMs: INTERVAL_MS }, { gate, options, events, logger: silentLogger })
  await protection?.record(async () => {
    const errors = (await pool.checkDatabase()).filter(({ severity }) => severity === 'error')
    if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('; '))
  })
  return {
    pool,
    tenantId: tenants[0],
    owner: (text) => admin.query(text),
    async close() {
      await protection?.close()
      await pool.end()
      await admin.end()
    },
  }
}

function vault(sealed: boolean): string {
  const own = "tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
  return `
    create table vault (tenant_id uuid not null, id uuid primary key default gen_random_uuid());
    alter table vault enable row level security;
    alter table vault force row level security;
    create policy tenant_isolation_policy on vault using (${own}) with check (${own});
    ${sealed ? `create policy tenant_seal_policy on vault as restrictive to tenant_user, tenant_admin using (${sealedRow('tenant_id', 'uuid')}) with check (${sealedRow('tenant_id', 'uuid')});` : ''}
    grant select on vault to tenant_user, tenant_admin`
}
