import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createTenantPool, type TenantPool } from '../src/database/pool/create-tenant-pool.ts'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import { createSecurityEvents } from '../src/events/security-events.ts'
import { silentLogger } from '../src/logger/logger.ts'
import { migrate } from '../src/migrate/migrate.ts'
import { FaultProxy } from './fault-proxy.ts'
import { Fleet } from './fleet.ts'
import { type HuntPrisma, openHuntPrisma } from './prisma/open.ts'
import type { Random } from './random.ts'
import { migrateToReleaseBefore, openPoolOfReleaseBefore, sealPoliciesOf } from './release-before.ts'
import { startPgBouncer } from './servers/pgbouncer.ts'
import { openWatchedService, type WatchedService } from './watched-service.ts'
import { type Weakness, weaken } from './weaken.ts'

const TENANTS = 24
/** Tenants with an attacker inside. Residue of an attack may disturb the next statement of the same tenant, but of no other tenant. */
const ATTACKERS = 8
const CONNECTIONS = 6
/** Short enough for a hunt, and much longer than a statement takes. */
const STATEMENT_TIMEOUT_MS = 1_500
const ANSWER_TIMEOUT_MS = 2_500

export interface Stage {
  readonly fleet: Fleet
  /** Connects directly to the server. It allows dangerous commands, so that the hunt also tests the clean-up after them. */
  readonly open: TenantPool
  /** Connects through the proxy, with the default list of refused commands. */
  readonly strict: TenantPool
  readonly pools: readonly TenantPool[]
  /** Connects through the proxy. Its single statements share two pipelined connections. Undefined behind a pooler. */
  readonly pipelined: TenantPool | undefined
  /** Prisma on a pool of its own, directly connected to the server. Undefined behind a pooler. */
  readonly prisma: HuntPrisma | undefined
  /** A service under the protection watch, with a database of its own. Undefined behind a pooler. */
  readonly watched: WatchedService | undefined
  /** True behind PgBouncer. Its server connections keep state that only PgBouncer's own reset removes. */
  readonly pooled: boolean
  /** The value of random() after the seed that attackers set. */
  readonly foretold: ReadonlySet<number>
  /** URL of the application's login, without the proxy. */
  readonly url: string
  /** URL of the superuser, for tools of an operator. */
  readonly adminUrl: string
  readonly proxy: FaultProxy
  readonly sealed: boolean
  /** What the upgrades have done so far. Undefined if the hunt has no upgrades. */
  readonly upgrade: UpgradeState | undefined
  /** Number of connections that pools destroyed, by reason. */
  readonly destroyed: Map<string, number>
  admin(text: string, values?: readonly unknown[]): Promise<pg.QueryResult>
  /** The currently connected clients of all pools. */
  clients(): readonly pg.PoolClient[]
  close(): Promise<void>
}

/** The state of a database that is upgraded and downgraded. */
export interface UpgradeState {
  readonly databaseUrl: string
  readonly sealSecret: string
  migrated: boolean
  policies: 'before' | 'this'
  /** Number of times the policies were changed. */
  changes: number
}

interface StageOptions {
  readonly sealed: boolean
  readonly pooler: boolean
  readonly upgrade: boolean
  readonly weaken: Weakness | undefined
}

export async function openStage(random: Random, options: StageOptions): Promise<Stage> {
  const server = await startPostgres()
  const database = await server.createDatabase()
  const sealSecret = randomBytes(32).toString('hex')
  const databaseUrl = server.url(database)
  const admin = new pg.Pool({ connectionString: databaseUrl, max: 4 })
  admin.on('error', () => {})
  const run = (text: string, values?: readonly unknown[]) =>
    admin.query(text, values === undefined ? undefined : [...values])
  if (options.upgrade) await migrateToReleaseBefore(admin, sealSecret)
  else await migrate({ databaseUrl, sealSecret })
  const password = randomBytes(12).toString('hex')
  const tenants = Array.from({ length: TENANTS }, () => random.uuid())
  await admin.query(tables(password))
  if (options.weaken !== undefined) await weaken(run, options.weaken)
  if (options.sealed) await admin.query(sealPoliciesOf(options.upgrade ? 'before' : 'this', 'ledger'))
  const fleet = new Fleet(tenants, {
    attackers: ATTACKERS,
    schemas: !options.upgrade,
    sealed: options.sealed,
    admin: run,
  })
  await fleet.settle()

  const url = server.urlAs('hunt_app', password, database)
  const bouncer = options.pooler ? await startPgBouncer(url, CONNECTIONS, { resetAlways: true }) : undefined
  const direct = bouncer?.url ?? url
  const proxy = new FaultProxy(Number(new URL(direct).port))
  await proxy.open()
  const proxied = new URL(direct)
  proxied.port = String(proxy.port)

  const events = createSecurityEvents()
  const destroyed = new Map<string, number>()
  events.on('CONNECTION_DESTROYED', ({ reason }) => {
    const kind = reason.replace(/:.*$/s, '').replace(/parameter \S+/, 'parameter')
    destroyed.set(kind, (destroyed.get(kind) ?? 0) + 1)
  })
  const common = {
    max: CONNECTIONS,
    seal: options.sealed ? { secret: sealSecret } : (false as const),
    roles: { tenant_admin: ['admin'] },
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    idleTimeoutMillis: 0,
    pooler: options.pooler ? ('transaction' as const) : ('none' as const),
    events,
    logger: silentLogger,
  }
  const allowStatements = [
    'DO',
    'PREPARE',
    'EXECUTE',
    'DEALLOCATE',
    'SET',
    'RESET',
    'LISTEN',
    'CREATE',
    'DECLARE',
    'DISCARD',
    'CALL',
  ]
  const open = createTenantPool({ ...common, connectionString: direct, allowStatements })
  const strict = createTenantPool({ ...common, connectionString: proxied.href })
  const pipelined = options.pooler
    ? undefined
    : createTenantPool({ ...common, connectionString: proxied.href, pipelinedConnections: 2 })
  const orm = options.pooler ? undefined : createTenantPool({ ...common, connectionString: direct })
  const prisma = orm === undefined ? undefined : await openHuntPrisma(orm)
  const watched = options.pooler
    ? undefined
    : await openWatchedService(server, { user: 'hunt_app', password }, options.sealed ? sealSecret : undefined)
  const old = options.upgrade ? openPoolOfReleaseBefore({ ...common, connectionString: direct }) : undefined
  const pools = [open, strict, ...(old === undefined ? [] : [old])]
  const all = [...pools, ...(pipelined === undefined ? [] : [pipelined]), ...(orm === undefined ? [] : [orm])]
  const clients = new Set<pg.PoolClient>()
  for (const pool of all) {
    pool.on('connect', (client) => clients.add(client))
    pool.on('remove', (client) => clients.delete(client as pg.PoolClient))
    pool.on('error', () => {}) // the hunt breaks idle connections on purpose
  }
  return {
    fleet,
    open,
    strict,
    pools,
    pipelined,
    prisma,
    watched,
    pooled: options.pooler,
    foretold: await foretell(admin),
    url: direct,
    adminUrl: databaseUrl,
    proxy,
    sealed: options.sealed,
    upgrade: options.upgrade ? { databaseUrl, sealSecret, migrated: false, policies: 'before', changes: 0 } : undefined,
    destroyed,
    admin: run,
    clients: () => [...clients],
    async close() {
      await prisma?.$disconnect()
      await watched?.close()
      await proxy.close()
      await Promise.all(
        all.map((pool) => Promise.race([pool.end(), new Promise((resolve) => setTimeout(resolve, 3000).unref())])),
      )
      await bouncer?.stop()
      await admin.end()
      await server.stop()
    },
  }
}

/** The seed that an attacker sets, and the value of random() after it. */
export const SEED = 0.5

async function foretell(admin: pg.Pool): Promise<ReadonlySet<number>> {
  const { rows } = await admin.query(
    'select setseed($1), array(select random() from generate_series(1, 200)) as next',
    [SEED],
  )
  const next: unknown = rows[0]?.next
  return new Set(Array.isArray(next) ? next.map(Number) : [])
}

function tables(password: string): string {
  const context = "(select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
  return `
    do $$ begin
      if not exists (select from pg_roles where rolname = 'hunt_app') then create role hunt_app login noinherit; end if;
    end $$;
    alter role hunt_app password '${password}';
    grant tenant_user, tenant_admin to hunt_app;
    create table ledger (
      tenant_id uuid not null default ${context.slice(8, -1)},
      id uuid not null,
      writer uuid not null,
      n integer not null default 0,
      primary key (tenant_id, id)
    );
    alter table ledger enable row level security, force row level security;
    create policy tenant_isolation_policy on ledger for all using (tenant_id = ${context}) with check (tenant_id = ${context});
    grant select, insert, update, delete on ledger to tenant_user, tenant_admin;
    create sequence hunt_numbers;
    grant usage, select on sequence hunt_numbers to tenant_user, tenant_admin`
}
