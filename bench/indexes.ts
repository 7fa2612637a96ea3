// Question: what does a condition cost below a policy, on a blind key and with its fix, relative to the same condition without policies? One
// connection each, the statements interleaved. If a fix misses its goal, docs/performance.md advises something that does not help.
import pg from 'pg'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import type { ThrowAwayServer } from '../src/embedded/throw-away-server.ts'
import type { Bench, BenchGoal } from './harness/contract.ts'
import { judge, median } from './harness/ratio.ts'

const LARGEST = 300_000
const OTHERS = 300_000
const TIMES = 31
/** A blind condition reads all rows of its tenant. */
const BLIND_TIMES = 2
/** Goal of a condition with its fix, relative to the same condition without row-level security. */
const LIMIT = 1.6

interface Condition {
  readonly name: string
  readonly blind: string
  readonly fixed: string
}

/** The rows that a search function finds. */
const found = (call: string) => `id = any (array(select ${call}))`

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
  {
    name: 'numeric >, generated double precision',
    blind: 'amount > 2999.5',
    fixed: 'amount > 2999.5 and amount_float8 >= 2999.5::float8',
  },
  { name: 'jsonb ->>, generated column', blind: `attrs ->> 'code' = 'c77777'`, fixed: `code = 'c77777'` },
  {
    name: 'array @>, a table of tags',
    blind: `tags @> array['t777']`,
    fixed: `id = any (array(select id from order_tags where tag = 't777'))`,
  },
  { name: 'jsonb @>, search function', blind: `attrs @> '{"code": "c77777"}'`, fixed: found(`by_attrs('c77777')`) },
  {
    name: 'full text, search function',
    blind: `words @@ plainto_tsquery('simple', 'w777')`,
    fixed: found(`by_words('w777')`),
  },
  { name: 'ILIKE, search function', blind: `email ilike '%r77777@%'`, fixed: found(`by_email('r77777@')`) },
  { name: 'enum =, partial index', blind: `state = 'open'`, fixed: `state2 = 'open'` },
  { name: 'prefix, ^@ for LIKE', blind: `email like 'User77777@%'`, fixed: `email ^@ 'User77777@'` },
]

/** A function that looks an index up as a role to which all rows are visible, and compares the tenant itself. */
const searchFunction = (name: string, condition: string) => `
  create function ${name}(q text) returns setof int language plpgsql stable security definer rows 100
    set search_path = pg_catalog, public, pg_temp set plan_cache_mode = force_custom_plan as $$
    declare t int := nullif(current_setting('app.tenant_id', true), '')::int;
    begin return query select id from public.orders where tenant_id = t and ${condition}; end $$;
  alter function ${name}(text) owner to bench_search`

const SCHEMA = `
  create extension btree_gin; create extension pg_trgm;
  create type state as enum ('open', 'closed');
  create table orders (tenant_id int not null, id int not null, email text collate "C" not null, amount numeric(12, 2) not null, state state not null, state2 state not null,
    attrs jsonb not null, tags text[] not null, words tsvector not null,
    email_lower text collate "C" generated always as (lower(email)) stored, amount_x100 bigint generated always as ((amount * 100)::bigint) stored,
    amount_float8 double precision generated always as (amount::float8) stored, code text generated always as (attrs ->> 'code') stored, primary key (tenant_id, id));
  insert into orders (tenant_id, id, email, amount, state, state2, attrs, tags, words)
    select case when n <= ${LARGEST} then 1 else 2 + n % 300 end, n, 'User' || n || '@example.com', n / 100.0, s, s,
      jsonb_build_object('code', 'c' || n), array['t' || n % 3000], to_tsvector('simple', 'w' || n % 3000 || ' all')
    from generate_series(1, ${LARGEST + OTHERS}) n, lateral (select (case when n % 1000 = 0 then 'open' else 'closed' end)::state as s) each;
  create index on orders (tenant_id, lower(email)); create index on orders (tenant_id, email_lower); create index on orders (tenant_id, email);
  create index on orders (tenant_id, amount); create index on orders (tenant_id, amount_x100); create index on orders (tenant_id, amount_float8);
  create index on orders (tenant_id, state); create index on orders (tenant_id, state2); create index on orders (tenant_id) where state2 = 'open';
  create index on orders (tenant_id, (attrs ->> 'code')); create index on orders (tenant_id, code);
  create index on orders using gin (tenant_id, attrs jsonb_path_ops); create index on orders using gin (tenant_id, tags);
  create index on orders using gin (tenant_id, words); create index on orders using gin (tenant_id, email gin_trgm_ops);
  create table order_tags (tenant_id int not null, tag text not null, id int not null, primary key (tenant_id, tag, id));
  insert into order_tags select tenant_id, tag, id from orders, unnest(tags) tag;
  alter table orders enable row level security, force row level security;
  alter table order_tags enable row level security, force row level security;
  create policy own on orders using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::int));
  create policy own on order_tags using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::int));
  create role bench_search; grant usage on schema public to bench_search; grant select on orders to bench_search;
  create policy search on orders for select to bench_search using (true);
  ${searchFunction('by_attrs', "attrs @> jsonb_build_object('code', q)")};
  ${searchFunction('by_words', "words @@ plainto_tsquery('simple', q)")};
  ${searchFunction('by_email', "email ilike '%' || replace(replace(replace(q, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'")};
  create role bench_app login password 'x'; grant select on orders, order_tags to bench_app;`

async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

interface Timed {
  readonly ms: number
  readonly rows: number
}

/** Milliseconds of each statement, the median of several. The statements take turns, so that other work on the machine meets all of them. */
async function inTurns(times: number, sides: readonly (readonly [client: pg.Client, sql: string])[]): Promise<Timed[]> {
  const all = sides.map((): number[] => [])
  const rows = sides.map(() => 0)
  for (let time = 0; time < times; time++) {
    for (const [place, [client, sql]] of sides.entries()) {
      const before = performance.now()
      rows[place] = (await client.query(sql)).rows.length
      all[place]?.push(performance.now() - before)
    }
  }
  return all.map((list, place) => ({ ms: median(list), rows: rows[place] ?? 0 }))
}

async function fill(server: ThrowAwayServer): Promise<{ readonly tenant: pg.Client; readonly raw: pg.Client }> {
  const database = await server.createDatabase()
  const raw = await open(server.url(database))
  await raw.query(SCHEMA)
  await raw.query('vacuum analyze orders, order_tags')
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
          const [direct, fast] = await inTurns(TIMES, [
            [raw, `select id from orders where tenant_id = 1 and ${blind}`],
            [tenant, `select id from orders where ${fixed}`],
          ])
          const [slow] = await inTurns(BLIND_TIMES, [[tenant, `select id from orders where ${blind}`]])
          if (direct === undefined || fast === undefined || slow === undefined)
            throw new Error('a side was not measured')
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
        goals.push(judge(`${name}, time x raw`, ratios, LIMIT, 'at-most'))
      }
      await Promise.all([tenant.end(), raw.end()])
    } finally {
      await server.stop()
    }
    return { goals, details, failures: [...new Set(failures)] }
  },
}
