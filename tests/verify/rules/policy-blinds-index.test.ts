import { expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

const STATES = `create type state as enum ('open', 'closed'); alter table documents add state state not null default 'open', add at timestamptz not null default now();`

ruleCase('policy-blinds-index', {
  name: 'an enum',
  hole: `${STATES} create index by_state on documents (tenant_id, state, at);`,
  object: 'public.documents',
  severity: 'low',
  proof: 'static',
  repaired: `${STATES} create index on documents (tenant_id, at) where state = 'open';`,
  nearMisses: {
    'a domain over text': `create domain short as text check (length(value) < 90); alter table documents add code short; create index on documents (tenant_id, code);`,
    'types with leakproof operators': `alter table documents add a bigint, add b timestamptz, add c double precision, add d bytea, add e inet, add f varchar(9); create index on documents (tenant_id, a, b, c, d, e, f);`,
    'a blind column that the index only includes': `${STATES} create index on documents (tenant_id, at) include (state);`,
    'a table in which no role of the application may read': `create table kept (tenant_id uuid not null references tenants, amount numeric, primary key (tenant_id)); create index on kept (tenant_id, amount); alter table kept enable row level security;`,
  },
})

ruleCase('policy-blinds-index', {
  name: 'an expression',
  hole: 'create index by_title on documents (tenant_id, lower(title));',
  object: 'public.documents',
  severity: 'low',
  proof: 'static',
  fixMends: false,
  repaired: `alter table documents add title_lower text generated always as (lower(title)) stored; create index on documents (tenant_id, title_lower); create index by_title on documents (tenant_id, lower(title));`,
  nearMisses: {
    'a leakproof function': 'create index on documents (tenant_id, md5(title));',
    'a subscript of an array':
      'alter table documents add tags text[]; create index on documents (tenant_id, (tags[1]));',
    'the greater of two texts': `create index on documents (tenant_id, greatest(title, 'a'));`,
    'an index in another collation beside it': `create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); create index on documents (tenant_id, title collate ci); create index on documents (tenant_id, lower(title));`,
  },
})

ruleCase('policy-blinds-index', {
  name: 'a number with decimals',
  hole: 'alter table documents add amount numeric(12, 2); create index by_amount on documents (tenant_id, amount);',
  object: 'public.documents',
  severity: 'low',
  proof: 'static',
  fixMends: false,
  repaired: `alter table documents add amount numeric(12, 2), add amount_x100 bigint generated always as ((nullif(amount, 'NaN') * 100)::bigint) stored; create index on documents (tenant_id, amount_x100); create index by_amount on documents (tenant_id, amount);`,
  nearMisses: {
    'the key of a partial index only in its predicate':
      'alter table documents add amount numeric; create index on documents (tenant_id, title) where amount > 0;',
  },
})

ruleCase('policy-blinds-index', {
  name: 'words in a text',
  hole: 'create extension if not exists pg_trgm; create index by_words on documents using gin (title gin_trgm_ops);',
  object: 'public.documents',
  severity: 'low',
  proof: 'static',
  fixMends: false,
  repaired: `create extension if not exists pg_trgm; create index by_words on documents using gin (title gin_trgm_ops);
    grant select on documents to {finder}; create policy finds on documents for select to {finder} using (true);
    create function find_documents(q text) returns setof uuid language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
      declare t uuid := nullif(current_setting('app.tenant_id', true), '')::uuid; p text := '%' || replace(replace(replace(q, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%';
      begin return query select id from public.documents where tenant_id = t and title ilike p; end $$;
    alter function find_documents(text) owner to {finder}; revoke execute on function find_documents(text) from public; grant execute on function find_documents(text) to {app};`,
  nearMisses: {
    'no index on the words': 'create extension if not exists pg_trgm; create index on documents (tenant_id, title);',
  },
})

it('tells what each index costs, one finding a table', async () => {
  await withCase(
    [
      HOLDING,
      `create extension if not exists citext;
       alter table documents add attrs jsonb, add email citext, add amount numeric;
       create index a_code on documents (tenant_id, (attrs ->> 'code'), upper(title));
       create index b_two on documents (tenant_id, md5(title), lower(title));
       create unique index c_email on documents (tenant_id, email);
       create index d_amount on documents (tenant_id, amount);`,
    ],
    async (verify) => {
      const report = await verify({ mode: 'static' })
      const found = report.findings.filter(({ rule }) => rule === 'policy-blinds-index')
      expect(found.map(({ object, severity }) => [object, severity])).toEqual([['public.documents', 'low']])
      const [finding] = found
      const evidence = finding?.evidence.join('\n') ?? ''
      expect(evidence).toContain("a_code (btree): not used for conditions on (attrs ->> 'code'::text)")
      expect(evidence).toContain('conditions on upper(title), because upper(text) is not leakproof')
      expect(evidence).not.toContain('md5')
      expect(evidence).toContain(
        'c_email (btree): not used for conditions on email, because the operators of citext are',
      )
      expect(evidence).toContain('the constraint is enforced all the same')
      expect(finding?.fix).toContain('lower(email::text)')
      expect(finding?.fix).toContain('amount::double precision')
      expect(finding?.fix).toContain('attrs_code')
    },
  )
})

it('knows the rows of the largest tenant from the statistics, and keeps silent on small tables', async () => {
  const filled = (largest: number, others: number) => `
    alter table documents add amount numeric; create index by_amount on documents (tenant_id, amount);
    insert into tenants select md5(n::text)::uuid, n::text from generate_series(1, 40) n;
    insert into documents (tenant_id, title, amount) select md5('1')::uuid, n::text, n from generate_series(1, ${largest}) n;
    insert into documents (tenant_id, title, amount) select md5((2 + n % 38)::text)::uuid, n::text, n from generate_series(1, ${others}) n;
    analyze documents;`
  const foundIn = (largest: number, others: number) =>
    withCase([HOLDING, filled(largest, others)], async (verify) => {
      const report = await verify({ mode: 'static' })
      return report.findings.filter(({ rule }) => rule === 'policy-blinds-index').map(({ message }) => message)
    })
  const [message] = await foundIn(12_000, 8_000)
  const rows = Number(/about (\d+) for the largest tenant/.exec(message ?? '')?.[1])
  expect(rows).toBeGreaterThan(11_000)
  expect(rows).toBeLessThan(13_000)
  expect(await foundIn(6_000, 3_000)).toEqual([])
  expect(await foundIn(400, 15_000)).toEqual([])
})

/** A definer function of a role that no policy restricts. */
const definer = (name: string, body: string) => `
  grant select on documents to {finder}; create policy finds on documents for select to {finder} using (true);
  create function ${name} returns setof text language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ ${body} $$;
  grant execute on function ${name} to {app};`
const TRIGRAMS =
  'create extension if not exists pg_trgm; create index by_words on documents using gin (title gin_trgm_ops);'

it.each([
  [
    'a definer function that only returns the column',
    `${TRIGRAMS} ${definer('title_of(uuid)', 'select title from public.documents where id = $1')}`,
  ],
  [
    'a definer function without an argument',
    `${TRIGRAMS} ${definer('drafts()', `select title from public.documents where title like 'draft%'`)}`,
  ],
  [
    'a partial index that compares another column',
    `${STATES} alter table documents add kind text; create index by_state on documents (tenant_id, state); create index on documents (tenant_id, at) where state is not null and kind = 'x';`,
  ],
  [
    'a generated column of several columns',
    `alter table documents add amount numeric, add label text generated always as (title || amount::text) stored; create index on documents (tenant_id, amount); create index on documents (tenant_id, label);`,
  ],
  [
    'an index in another collation on another column',
    `create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); alter table documents add email text; create index on documents (tenant_id, lower(title)); create index on documents (tenant_id, title, email collate ci);`,
  ],
])('is not silenced by %s', async (_, sql) => {
  await withCase([HOLDING, sql], async (verify) => {
    const report = await verify({ mode: 'static' })
    expect(report.findings.filter(({ rule }) => rule === 'policy-blinds-index')).toMatchObject([{ severity: 'low' }])
  })
})

it('says that = uses an index of trigrams, and that COALESCE in a unique index only makes NULLs equal', async () => {
  const unique = `alter table documents add site uuid; create unique index once on documents (tenant_id, coalesce(site, '00000000-0000-0000-0000-000000000000'), title);`
  await withCase([HOLDING, unique], async (verify) => {
    const report = await verify({ mode: 'static' })
    const found = report.findings.filter(({ rule }) => rule === 'policy-blinds-index')
    expect(found.map(({ severity }) => severity)).toEqual(['info'])
    expect(found[0]?.evidence.join()).toContain('the constraint is enforced all the same')
  })
  await withCase([HOLDING, TRIGRAMS], async (verify) => {
    const report = await verify({ mode: 'static' })
    const [found] = report.findings.filter(({ rule }) => rule === 'policy-blinds-index')
    expect(found?.evidence.join()).toContain('only conditions with the operator = use it')
  })
})
