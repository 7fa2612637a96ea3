// Question: what does a condition cost below a policy, on a blind key and with its fix, relative to the same condition without policies? One
// connection each, the statements interleaved. If a fix misses its goal, docs/performance.md advises something that does not help.
import pg from 'pg'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import type { ThrowAwayServer } from '../src/embedded/throw-away-server.ts'
import type { Bench, BenchGoal } from './harness/contract.ts'
import { judge, median } from './harness/ratio.ts'

const LARGEST = 100_000
const OTHERS = 100_000
const TIMES = 20

interface Condition {
  readonly name: string
  readonly blind: string
  readonly fixed: string
}

const CONDITIONS: readonly Condition[] = [
  {
    name: 'lower(email) =, generated column',
    blind: `lower(email) = 'user77777@example.com'`,
    fixed: `email_lower = 'user77777@example.com'`,
  },
  {
    name: 'numeric =, generated bigint',
    blind: 'amount = 777.77',
    fixed: 'amount = 777.77 and amount_x100 = 77777',
  },
  { name: 'enum =, partial index', blind: `state = 'open'`, fixed: `state2 = 'open'` },
  { name: 'prefix, ^@ for LIKE', blind: `email like 'User77777@%'`, fixed: `email ^@ 'User77777@'` },
]

const SCHEMA = `
  create type state as enum ('open', 'closed');
  create table orders (tenant_id int not null, id int not null, email text collate "C" not null, amount numeric(12, 2) not null, state state not null, state2 state not null,
    email_lower text collate "C" generated always as (lower(email)) stored, amount_x100 bigint generated always as ((amount * 100)::bigint) stored, primary key (tenant_id, id));
  insert into orders (tenant_id, id, email, amount, state, state2)
    select case when n <= ${LARGEST} then 1 else 2 + n % 300 end, n, 'User' || n || '@example.com', n / 100.0, s, s
    from generate_series(1, ${LARGEST + OTHERS}) n, lateral (select (case when n % 1000 = 0 then 'open' else 'closed' end)::state as s) each;
  create index on orders (tenant_id, lower(email)); create index on orders (tenant_id, email_lower); create index on orders (tenant_id, email);
  create index on orders (tenant_id, amount); create index on orders (tenant_id, amount_x100);
  create index on orders (tenant_id, state); create index on orders (tenant_id, state2); create index on orders (tenant_id) where state2 = 'open';
  alter table orders enable row level security, force row level security;
  create policy own on orders using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::int));
  create role bench_app login password 'x'; grant select on orders to bench_app;`

async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

/** Milliseconds of one statement, the median of several. */
async function timed(client: pg.Client, sql: string): Promise<{ readonly ms: number; readonly rows: number }> {
  const times: number[] = []
  let rows = 0
  for (let time = 0; time < TIMES; time++) {
    const before = performance.now()
    rows = (await client.query(sql)).rows.length
    times.push(performance.now() - before)
  }
  return { ms: median(times), rows }
}

async function fill(server: ThrowAwayServer): Promise<{ readonly tenant: pg.Client; readonly raw: pg.Client }> {
  const database = await server.createDatabase()
  const raw = await open(server.url(database))
  await raw.query(SCHEMA)
  await raw.query('vacuum analyze orders')
  const tenant = await open(server.urlAs('bench_app', 'x', database))
  await tenant.query(`set app.tenant_id = '1'`)
  return { tenant, raw }
}

export const bench: Bench = {
  name: 'indexes',
  question: `what does a condition cost below a policy, for a tenant of ${LARGEST} rows, relative to the same condition without policies?`,
  async run({ runs, log }) {
    const server = await startPostgres()
    const goals: BenchGoal[] = []
    const details: Record<string, unknown> = {}
    const failures: string[] = []
    try {
      const { tenant, raw } = await fill(server)
      for (const { name, blind, fixed } of CONDITIONS) {
        const times: Record<'raw' | 'blind' | 'fixed', number[]> = { raw: [], blind: [], fixed: [] }
        for (let run = 0; run < runs; run++) {
          const direct = await timed(raw, `select id from orders where tenant_id = 1 and ${blind}`)
          const slow = await timed(tenant, `select id from orders where ${blind}`)
          const fast = await timed(tenant, `select id from orders where ${fixed}`)
          if (direct.rows === 0 || slow.rows !== direct.rows || fast.rows !== direct.rows)
            failures.push(`${name}: ${direct.rows}, ${slow.rows} and ${fast.rows} rows`)
          times.raw.push(direct.ms)
          times.blind.push(slow.ms)
          times.fixed.push(fast.ms)
        }
        const ratios = times.fixed.map((ms, run) => ms / (times.raw[run] ?? Number.NaN))
        const round = (values: readonly number[]) => Math.round(median(values) * 100) / 100
        details[name] = { rawMs: round(times.raw), blindMs: round(times.blind), fixedMs: round(times.fixed) }
        log(`${name}: ${JSON.stringify(details[name])}`)
        goals.push(judge(`${name}, time x raw`, ratios, 2.5, 'at-most'))
      }
      await Promise.all([tenant.end(), raw.end()])
    } finally {
      await server.stop()
    }
    return { goals, details, failures: [...new Set(failures)] }
  },
}
