import { describe, expect, it } from 'vitest'
import type { VerifyReport } from '../../../src/verify/index.ts'
import { HOLDING, type RunSql, type RunVerify, ruleCase, withCase } from '../rule-case.ts'

const TRIGRAMS =
  'create extension if not exists pg_trgm; create index by_words on documents using gin (title gin_trgm_ops);'
const FINDER =
  'grant select on documents to {finder}; create policy finds on documents for select to {finder} using (true);'
const ESCAPED = String.raw`'%' || replace(replace(replace(q, '\', '\\'), '%', '\%'), '_', '\_') || '%'`
const finding = (pattern: string, compared: string, attributes = '') => `${TRIGRAMS} ${FINDER}
  create function find_documents(q text) returns setof uuid language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp ${attributes} as $$
    declare t uuid := nullif(current_setting('app.tenant_id', true), '')::uuid; p text := ${pattern};
    begin return query select id from public.documents where tenant_id = t and ${compared}; end $$;
  alter function find_documents(text) owner to {finder}; revoke execute on function find_documents(text) from public; grant execute on function find_documents(text) to {app};`

ruleCase('secdef-caller-pattern', {
  hole: finding('q', 'title ilike p'),
  object: 'public.find_documents(text)',
  severity: 'high',
  fixMends: false,
  repaired: finding(ESCAPED, 'title ilike p'),
  nearMisses: {
    'the function writes the end of the pattern': finding(`'%' || q || '%'`, 'title ilike p'),
    'the argument is compared for equality': finding('q', 'title = p'),
    'the escape character is turned off': finding('q', `title like p escape ''`),
    'an argument that is no text': finding('q', 'title like (length(p))::text'),
    'it runs as its caller': `${TRIGRAMS} create function find_documents(q text) returns setof uuid language sql stable set search_path = pg_catalog, public, pg_temp as $$ select id from public.documents where title ilike q $$;`,
    'nobody in reach may call it': `${finding('q', 'title ilike p')} revoke execute on function find_documents(text) from {app};`,
  },
})

ruleCase('secdef-caller-pattern', {
  name: 'in SQL, compared before the tenant',
  hole: `create function find_documents(q text, most int) returns setof uuid language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select id from public.documents where title like $1 and tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) limit most $$;`,
  object: 'public.find_documents(text, integer)',
  severity: 'high',
  fixMends: false,
  repaired: `create function find_documents(q text, most int) returns setof uuid language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select id from public.documents where title like ${ESCAPED} and tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid) limit most $$;`,
  nearMisses: {},
})

ruleCase('secdef-caller-pattern', {
  name: 'a regular expression',
  hole: finding('q', 'title ~* p'),
  object: 'public.find_documents(text)',
  severity: 'low',
  proof: 'static',
  fixMends: false,
  repaired: finding(String.raw`regexp_replace(q, '([^[:alnum:]])', '\\\1', 'g')`, 'title ~* p'),
  nearMisses: { 'a pattern of its own': finding(`'^[a-z]+'`, 'title ~* p and title = q') },
})

/** The same search in dynamic SQL. The statement compares the tenant, which is $1. */
const executing = (body: string) => `${TRIGRAMS} ${FINDER}
  create function find_documents(q text) returns setof uuid language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $f$
    declare t uuid := nullif(current_setting('app.tenant_id', true), '')::uuid; sql text;
    begin ${body} end $f$;
  alter function find_documents(text) owner to {finder}; revoke execute on function find_documents(text) from public; grant execute on function find_documents(text) to {app};`
const TEXT = 'select id from public.documents where tenant_id = $1 and'

ruleCase('secdef-caller-pattern', {
  name: 'in the text of EXECUTE, with USING',
  hole: executing(`return query execute '${TEXT} title ilike $2' using t, q;`),
  object: 'public.find_documents(text)',
  severity: 'high',
  fixMends: false,
  repaired: executing(`return query execute '${TEXT} title ilike $2' using t, ${ESCAPED};`),
  nearMisses: {
    'the value has an end of its own': executing(`return query execute '${TEXT} title ilike $2' using t, q || '%';`),
    'the text writes the end of the pattern': executing(
      `return query execute '${TEXT} title ilike ''%'' || $2 || ''%''' using t, q;`,
    ),
    'the argument is compared for equality, and the pattern is of the function': executing(
      `return query execute '${TEXT} title = $2 and title like ''a%''' using t, q;`,
    ),
    'the escape character is turned off in the text': executing(
      `return query execute '${TEXT} title like $2 escape ''''' using t, q;`,
    ),
    'the pattern meets the table of tenants only': executing(
      `return query execute 'select id from public.tenants where id = $1 and name ilike ''%'' || $2' using t, upper(q) || '%';`,
    ),
    'format() writes a literal with an end': executing(
      `return query execute format('${TEXT} title ilike %L', '%' || q || '%') using t;`,
    ),
  },
})

ruleCase('secdef-caller-pattern', {
  name: 'in the text of EXECUTE, written by format()',
  hole: executing(
    `return query execute format('select id from %I.%I where tenant_id = $1 and title like %L', 'public', 'documents', q) using t;`,
  ),
  object: 'public.find_documents(text)',
  severity: 'high',
  fixMends: false,
  repaired: executing(`return query execute format('${TEXT} title like %L', ${ESCAPED}) using t;`),
  nearMisses: {},
})

describe('secdef-caller-pattern: the text of EXECUTE', () => {
  it.each([
    [
      'appended in a branch',
      `sql := '${TEXT} true'; if q <> '' then sql := sql || ' and title ilike $2'; end if; return query execute sql using t, q;`,
      'medium',
    ],
    [
      'in one of two branches',
      `if length(q) > 2 then sql := '${TEXT} title ilike $2'; else sql := '${TEXT} title = $2'; end if; return query execute sql using t, q;`,
      'medium',
    ],
    ['with quote_literal()', `return query execute '${TEXT} title ilike ' || quote_literal(q) using t;`, 'medium'],
    [
      'in a loop, with CASE',
      `declare i uuid; begin for i in execute '${TEXT} true' || case when q is null then '' else ' and title not like $2' end using t, q loop return next i; end loop; end;`,
      'medium',
    ],
    [
      'in a subquery',
      `return query execute '${TEXT} id in (select id from documents d where d.title ~~* $2)' using t, q;`,
      'medium',
    ],
    [
      'in a text of branches that do not parse together',
      `return query execute '${TEXT} title ilike $2 order by ' || case when q = 'a' then ' id' else ' title desc' end using t, q;`,
      'medium',
    ],
    [
      'with positions and the name of a table that is unknown beside it',
      `return query execute format('${TEXT} title ilike %2$L and exists (select from %1$I)', q, q) using t;`,
      'medium',
    ],
    ['without the tenant', `return query execute 'select id from documents where title ilike $1' using q;`, 'medium'],
    ['as a regular expression', `return query execute '${TEXT} title ~* $2' using t, q;`, 'low'],
    ['with SIMILAR TO', `return query execute '${TEXT} title similar to $2' using t, q;`, 'low'],
  ])('is read %s', async (_, body, severity) => {
    await withCase([HOLDING, executing(body)], async (verify) => {
      const found = patternFindings(await verify({ mode: 'static' }))
      expect(found.map((each) => [each.object, each.severity])).toEqual([['public.find_documents(text)', severity]])
    })
  })
})

/** A database keeps the mark when a case ends, so it is taken back. */
async function withMark<T>(mark: string, fn: (verify: RunVerify, run: RunSql) => Promise<T>): Promise<T> {
  return withCase([HOLDING, TRIGRAMS], async (verify, run) => {
    await run(`alter function ${mark} leakproof`)
    try {
      return await fn(verify, run)
    } finally {
      await run(`alter function ${mark} not leakproof`)
    }
  })
}

const patternFindings = ({ findings }: VerifyReport) => findings.filter(({ rule }) => rule === 'secdef-caller-pattern')

describe('secdef-caller-pattern: operators marked LEAKPROOF by hand', () => {
  it('speaks of LIKE, confirmed by an attack, and gives a fix that mends it', async () => {
    await withMark('pg_catalog.texticlike(text, text)', async (verify, run) => {
      const [finding] = patternFindings(await verify())
      expect(finding).toMatchObject({ object: 'texticlike(text,text)', severity: 'high', proof: 'exploited' })
      await run(finding?.fix ?? '')
      expect(patternFindings(await verify())).toEqual([])
    })
  })

  it('counts operators of jsonb and arrays as low', async () => {
    await withMark('pg_catalog.jsonb_contains(jsonb, jsonb)', async (verify) => {
      const found = patternFindings(await verify({ mode: 'static' }))
      expect(found.map(({ object, severity }) => [object, severity])).toEqual([['jsonb_contains(jsonb,jsonb)', 'low']])
    })
  })

  it('is silent on a mark that tells nothing', async () => {
    await withMark('pg_catalog.numeric_eq(numeric, numeric)', async (verify) => {
      expect(patternFindings(await verify())).toEqual([])
    })
  })
})

it('makes the planner read the index on the texts where it would read the one of the tenant', async () => {
  const rows = `insert into tenants select md5(n::text)::uuid, n::text from generate_series(1, 4000) n;
    insert into documents (tenant_id, title) select md5(n::text)::uuid, md5(n::text) from generate_series(1, 4000) n; analyze documents;`
  await withCase([HOLDING, finding('q', 'title ilike p'), rows], async (verify) => {
    const [found] = patternFindings(await verify())
    expect(found).toMatchObject({ severity: 'high', proof: 'exploited' })
    expect(found?.evidence.join()).toContain('cpu_index_tuple_cost')
  })
})

it('calls a pattern that a function of the schema may escape low, until an attack confirms it', async () => {
  const helper = (body: string) =>
    `create function escape_like(t text) returns text language sql immutable as $$ select ${body} $$; grant execute on function escape_like(text) to {finder};`
  const found = async (body: string) =>
    withCase([HOLDING, helper(body), finding('public.escape_like(q)', 'title ilike p')], async (verify) => {
      return patternFindings(await verify()).map(({ severity, proof }) => [severity, proof])
    })
  expect(await found('t')).toEqual([['high', 'exploited']])
  expect(await found(String.raw`replace(t, '\', '\\')`)).toEqual([['low', 'static']])
})
