// Question: how long does one comparison of the protection watch take at 1,000 tenant tables? It runs every 10 s and for each new
// connection. If it takes more than 50 ms, digest less, or keep the digest in the database. The bench also prints the ratio to `select 1`
// on the same connection, and the time of the full reading and judging after a difference.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { packageRoot } from '../src/config/package-root.ts'
import { runWithoutTenant } from '../src/context/run-with-tenant.ts'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import { migrate } from '../src/migrate/migrate.ts'
import { judgeChange } from '../src/protection/judge.ts'
import { createProtectionReader } from '../src/protection/protection-reader.ts'
import type { Bench } from './harness/contract.ts'
import { judge } from './harness/ratio.ts'

const TABLES = 1_000
const ROUNDS = 20
const LIMIT_MS = 50

const makeTables = `do $$ begin for n in 1..${TABLES} loop
  execute format('create table public.t_%1$s (id bigint generated always as identity primary key, tenant_id uuid not null, a text, b text, c timestamptz)', n);
  execute format('create index on public.t_%s (tenant_id, id)', n);
  execute format('alter table public.t_%1$s enable row level security, force row level security', n);
  execute format('create policy isolation on public.t_%s using (tenant_id = (select nullif(current_setting(''app.current_tenant_id'', true), '''')::uuid)) with check (tenant_id = (select nullif(current_setting(''app.current_tenant_id'', true), '''')::uuid))', n);
  execute format('create policy seal on public.t_%s as restrictive to tenant_user, tenant_admin using (tenant_id = (select partywall.tenant_id()::uuid)) with check (tenant_id = (select partywall.tenant_id()::uuid))', n);
  execute format('create trigger enforce_tenant_id before insert or update on public.t_%s for each row execute function public.enforce_tenant_id()', n);
  execute format('grant select, insert, update on public.t_%s to tenant_user', n);
end loop; end $$`

export const bench: Bench = {
  name: 'protection-watch',
  question: `what does one comparison of the protection cost at ${TABLES} tenant tables?`,
  async run({ runs, log }) {
    const server = await startPostgres({ settings: { max_locks_per_transaction: '4096' } })
    const closers: (() => Promise<unknown>)[] = [() => server.stop()]
    try {
      const database = await server.createDatabase()
      const adminUrl = server.url(database)
      const secret = randomBytes(32).toString('hex')
      await migrate({ databaseUrl: adminUrl, sealSecret: secret })
      const admin = new pg.Pool({ connectionString: adminUrl, max: 1 })
      admin.on('error', () => {})
      closers.unshift(() => admin.end())
      for (const file of ['0001_example_schema.sql', 'enable-rls-policies.sql']) {
        await admin.query(await readFile(join(packageRoot(), 'migrations', file), 'utf8'))
      }
      const password = randomBytes(12).toString('hex')
      await admin.query(`alter role app password '${password}'`)
      await admin.query(makeTables)
      const reader = createProtectionReader(
        { connectionString: server.urlAs('app', password, database), seal: { secret }, roles: {} },
        30_000,
      )
      closers.unshift(() => reader.close())
      const compared: number[] = []
      const ratios: number[] = []
      const rechecked: number[] = []
      const failures: string[] = []
      for (let run = 0; run < runs + 1; run++) {
        const digest = await each(() => reader.digest())
        const bare = await each(() => runWithoutTenant(() => reader.pool.query('select 1')))
        const started = performance.now()
        await reader.check()
        const [state, known] = [await reader.state(), await reader.known()]
        const problems = judgeChange({ state, known, sealed: true }, state, known)
        const recheck = performance.now() - started
        if (problems.length > 0) failures.push('an unchanged state was judged as changed')
        if (state.policies.length < 2 * TABLES) failures.push(`only ${state.policies.length} policies were seen`)
        // The first run only warms up.
        if (run === 0) continue
        compared.push(digest)
        ratios.push(digest / bare)
        rechecked.push(recheck)
        log(
          `run ${run}: comparison ${digest.toFixed(1)} ms, select 1 ${bare.toFixed(2)} ms, checks after a difference ${recheck.toFixed(0)} ms`,
        )
      }
      const before = JSON.stringify([...(await reader.digest())])
      await admin.query('alter table public.t_500 disable row level security')
      if (JSON.stringify([...(await reader.digest())]) === before) failures.push('a change was not seen')
      return {
        goals: [judge(`one comparison at ${TABLES} tables, milliseconds`, compared, LIMIT_MS, 'at-most')],
        details: { tables: TABLES, rounds: ROUNDS, ratioToSelect1: ratios, recheckMs: rechecked },
        failures,
      }
    } finally {
      for (const close of closers) await close()
    }
  },
}

/** Median milliseconds of one call. */
async function each(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    await work()
    times.push(performance.now() - started)
  }
  return times.sort((one, other) => one - other)[ROUNDS / 2] ?? Number.NaN
}
