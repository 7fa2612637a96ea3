import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { startPostgres } from '../../src/embedded/start-postgres.ts'
import { migrate } from '../../src/migrate/migrate.ts'
import { wallSql } from '../statements/walled-table.ts'

const TENANTS = 200
const ROWS_PER_TENANT = 500

/** One table three times: without row-level security, with the plain policy, and sealed. The same rows, keys and login. */
export interface Stage {
  readonly url: string
  readonly port: number
  readonly sealSecret: string
  readonly tenants: readonly string[]
  /** Row ids by tenant; ids are 1 to ROWS_PER_TENANT for each tenant, so that only the tenant tells rows apart. */
  readonly rowsPerTenant: number
  readonly version: number
  stop(): Promise<void>
}

type TableName = 'plain' | 'walled' | 'sealed'

export async function openStage(): Promise<Stage> {
  const server = await startPostgres()
  const database = await server.createDatabase()
  const sealSecret = randomBytes(32).toString('hex')
  await migrate({ databaseUrl: server.url(database), sealSecret })
  const client = new pg.Client({ connectionString: server.url(database) })
  await client.connect()
  const password = randomBytes(12).toString('hex')
  await client.query(`
    do $$ begin
      if not exists (select from pg_roles where rolname = 'bench_app') then create role bench_app login noinherit; end if;
    end $$;
    alter role bench_app password '${password}';
    grant tenant_user to bench_app;
    create table tenants (id uuid primary key default gen_random_uuid());
    insert into tenants select from generate_series(1, ${TENANTS});`)
  for (const table of ['plain', 'walled', 'sealed'] satisfies TableName[]) {
    await client.query(`
      create table ${table} (tenant_id uuid not null, id integer not null, title text not null, body text not null,
        primary key (tenant_id, id));
      insert into ${table}
        select t.id, r, 'title ' || r, repeat('x', 200) from tenants t, generate_series(1, ${ROWS_PER_TENANT}) r;
      grant select, insert, update on ${table} to tenant_user, bench_app;`)
    if (table === 'plain') continue
    await client.query(wallSql(table, table === 'sealed'))
  }
  await client.query('analyze')
  const { rows } = await client.query<{ id: string }>('select id from tenants')
  await client.end()
  const url = server.urlAs('bench_app', password, database)
  return {
    url,
    port: Number(new URL(url).port),
    sealSecret,
    tenants: rows.map((row) => row.id),
    rowsPerTenant: ROWS_PER_TENANT,
    version: server.versionNumber,
    stop: () => server.stop(),
  }
}
