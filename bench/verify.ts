// Question: how long does `partywall verify` take on 10, 100 and 1,000 protected tables, catalog and proof alone and with
// attacks? Does the time grow no faster than the number of tables?
// If it takes more than 5 s (static) or 40 s (attacks) at 1,000 tables, or grows clearly faster, profile the catalog and the prover.
import pg from 'pg'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import type { ThrowAwayServer } from '../src/embedded/throw-away-server.ts'
import { exitCodeOf } from '../src/verify/report/report-counts.ts'
import { verifyDatabase } from '../src/verify/verify-database.ts'
import type { Bench, BenchOptions, BenchReport } from './harness/contract.ts'
import { judge, median } from './harness/ratio.ts'

const SIZES = [10, 100, 1000] as const
const MODES = ['static', 'attack'] as const
const LIMIT_SECONDS = { static: 5, attack: 40 } as const

/** Groups of ten tables: nine of each group refer to the last table of the previous group, by a foreign key with the tenant. */
function schemaSql(tables: number): string {
  const context = "(select nullif(current_setting('app.tenant_id', true), '')::uuid)"
  const parts = [
    `create table tenants (id uuid primary key, name text not null);
     alter table tenants enable row level security, force row level security;
     create policy own on tenants using (id = ${context}); grant select on tenants to bench_app;`,
  ]
  for (let number = 0; number < tables - 1; number++) {
    const parent = number - (number % 10) - 1
    const reference =
      parent < 0 ? '' : `parent_id uuid, foreign key (tenant_id, parent_id) references t${parent} (tenant_id, id),`
    parts.push(
      `create table t${number} (tenant_id uuid not null references tenants, id uuid not null default gen_random_uuid(),
         ${reference} title text not null, body jsonb, size int check (size > 0), made timestamptz not null default now(),
         primary key (tenant_id, id));
       create index on t${number} (tenant_id, made);
       alter table t${number} enable row level security, force row level security;
       create policy tenant_isolation on t${number} using (tenant_id = ${context}) with check (tenant_id = ${context});
       grant select, insert, update, delete on t${number} to bench_app;`,
    )
  }
  return parts.join('\n')
}

async function makeSchema(server: ThrowAwayServer, tables: number): Promise<string> {
  const url = server.url(await server.createDatabase())
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('do $$ begin create role bench_app login; exception when duplicate_object then null; end $$')
    await client.query(schemaSql(tables))
    await client.query('analyze')
  } finally {
    await client.end()
  }
  return url
}

async function run({ runs, log }: BenchOptions): Promise<BenchReport> {
  const server = await startPostgres({ settings: { max_locks_per_transaction: '1024' } })
  const failures = new Set<string>()
  const seconds = new Map<string, number[]>()
  try {
    const urls = new Map<number, string>()
    for (const size of SIZES) urls.set(size, await makeSchema(server, size))
    for (let round = 0; round < runs; round++) {
      for (const mode of MODES) {
        for (const size of SIZES) {
          // Attacks on 1,000 tables take up to a minute per run, so three runs are enough.
          if (mode === 'attack' && size === 1000 && round >= 3) continue
          const begin = performance.now()
          const report = await verifyDatabase({ databaseUrl: urls.get(size) ?? '', mode, appRole: 'bench_app' })
          const took = (performance.now() - begin) / 1000
          log(`${mode}, ${size} tables: ${took.toFixed(2)} s`)
          seconds.set(`${mode} ${size}`, [...(seconds.get(`${mode} ${size}`) ?? []), took])
          if (report.tables.length !== size)
            failures.add(`${mode}, ${size} tables: ${report.tables.length} were judged`)
          if (exitCodeOf(report) !== 0) failures.add(`${mode}, ${size} tables: exit code ${exitCodeOf(report)}`)
        }
      }
    }
  } finally {
    await server.stop()
  }
  const of = (mode: string, size: number) => seconds.get(`${mode} ${size}`) ?? []
  return {
    goals: MODES.flatMap((mode) => [
      judge(
        `${mode}, 1,000 tables, seconds of ${LIMIT_SECONDS[mode]}`,
        of(mode, 1000).map((each) => each / LIMIT_SECONDS[mode]),
        1,
        'at-most',
      ),
      judge(
        `${mode}, 1,000 tables, x ten times 100 tables (1 is linear)`,
        of(mode, 1000).map((each, index) => each / (10 * (of(mode, 100)[index] ?? Number.NaN))),
        1.3,
        'at-most',
      ),
    ]),
    details: Object.fromEntries([...seconds].map(([name, list]) => [name, Math.round(median(list) * 100) / 100])),
    failures: [...failures],
  }
}

export const bench: Bench = {
  name: 'verify',
  question: 'How long does verify take on 10, 100 and 1,000 tables, and does it grow linearly?',
  run,
}
