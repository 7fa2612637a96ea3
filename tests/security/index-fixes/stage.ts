import { beforeAll } from 'vitest'
import type { TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import type { TestTenant } from '../../setup/database.ts'
import { createTwoTenants, type TwoTenants } from '../../setup/two-tenants.ts'

/** Rows of each tenant. Enough that a plan without the right index would read the whole tenant. */
const ROWS = 6_000
/** A text of tenant B that tenant A may not learn of. */
export const SECRET = 'acme-invoice-7f3a9'

const OWN = '(select coalesce(t.tenant_id, partywall.tenant_id())::uuid from partywall.ticket t)'

/** A search function as docs/performance.md writes it: data and never a pattern, the tenant in a variable and in the index. */
const searchFunction = (name: string, condition: string) => `
  create function ${name}(q text) returns setof int language plpgsql stable security definer rows 100
    set search_path = pg_catalog, public, pg_temp set plan_cache_mode = force_custom_plan as $$
    declare t uuid := partywall.tenant_id()::uuid;
    begin return query select d.id from public.docs d where d.tenant_id = t and ${condition}; end $$;
  alter function ${name}(text) owner to docs_search;
  revoke execute on function ${name}(text) from public;
  grant execute on function ${name}(text) to tenant_user, tenant_admin;`

const CONTAINS = "d.title ilike '%' || replace(replace(replace(q, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'"

const SCHEMA = (a: string, b: string) => `
  create extension btree_gin; create extension pg_trgm; create extension btree_gist;
  do $$ begin create role docs_search nologin; exception when duplicate_object or unique_violation then null; end $$;
  create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  create table docs (tenant_id uuid not null, id int not null, title text collate "C" not null, email text not null, email_ci text collate ci not null,
    amount numeric(12, 2) not null, weight numeric not null, attrs jsonb not null, tags text[] not null, words tsvector not null, period int4range not null,
    state text not null check (state in ('open', 'closed')), made timestamptz not null,
    email_lower text generated always as (lower(email)) stored, amount_x100 bigint generated always as ((amount * 100)::bigint) stored,
    weight_float8 double precision generated always as (weight::float8) stored, code text generated always as (attrs ->> 'code') stored,
    primary key (tenant_id, id));
  insert into docs (tenant_id, id, title, email, email_ci, amount, weight, attrs, tags, words, period, state, made)
    select t.id, n, case when n = 17 and t.id = '${b}' then '${SECRET} of tenant B' when n % 50 = 0 then '100%_of\\n ' || n else 'Title ' || n end,
      'User' || n || '@Example.com', 'User' || n || '@Example.com', n / 100.0, n + 0.001, jsonb_build_object('code', 'c' || n), array['t' || n % 400, 'all'],
      to_tsvector('simple', 'w' || n % 400 || ' every'), int4range(n, n + 2), case when n % 300 = 0 then 'open' else 'closed' end,
      '2026-01-01'::timestamptz + n * interval '1 hour'
    from (values ('${a}'::uuid), ('${b}')) t (id), generate_series(1, ${ROWS}) n;
  create index on docs (tenant_id, email_lower); create index on docs (tenant_id, email_ci); create index on docs (tenant_id, amount_x100);
  create index on docs (tenant_id, weight_float8); create index on docs (tenant_id, code); create index on docs (tenant_id, title);
  create index on docs (tenant_id, state, id); create index on docs (tenant_id, made);
  create index docs_trgm on docs using gin (tenant_id, title gin_trgm_ops); create index docs_attrs on docs using gin (tenant_id, attrs jsonb_path_ops);
  create index docs_tags on docs using gin (tenant_id, tags); create index docs_words on docs using gin (tenant_id, words);
  create index docs_period on docs using gist (tenant_id, period);
  create table doc_tags (tenant_id uuid not null, tag text not null, id int not null, primary key (tenant_id, tag, id));
  insert into doc_tags select tenant_id, tag, id from docs, unnest(tags) tag;
  ${['docs', 'doc_tags']
    .map(
      (table) => `
    alter table ${table} enable row level security; alter table ${table} force row level security;
    create policy own on ${table} to tenant_user, tenant_admin using (tenant_id = ${OWN});
    create policy seal on ${table} as restrictive to tenant_user, tenant_admin using (tenant_id = ${OWN});
    grant select on ${table} to tenant_user, tenant_admin;`,
    )
    .join('')}
  grant usage on schema public, partywall to docs_search; grant execute on function partywall.tenant_id() to docs_search;
  grant select on docs to docs_search; create policy docs_search_policy on docs for select to docs_search using (true);
  ${searchFunction('docs_contains', CONTAINS)}
  ${searchFunction('docs_words', "d.words @@ plainto_tsquery('simple', q)")}
  ${searchFunction('docs_code', "d.attrs @> jsonb_build_object('code', q)")}
  ${searchFunction('docs_tag', 'd.tags @> array[q]')}
  ${searchFunction('docs_at', "d.period && int4range(q::int, q::int, '[]')")}
  analyze docs, doc_tags`

/** Tenants with a table of documents, with all fixes of docs/performance.md. */
interface IndexStage {
  readonly two: TwoTenants
  readonly pool: TenantPool
  /** Ids that tenant A gets. */
  ids(sql: string, values?: readonly unknown[]): Promise<number[]>
  /** Ids of tenant A by a superuser, past every policy. */
  truth(condition: string, values?: readonly unknown[]): Promise<number[]>
}

export function indexStage(): () => IndexStage {
  let stage: IndexStage | undefined
  beforeAll(async () => {
    const two = await createTwoTenants()
    await two.database.admin(SCHEMA(two.a.id, two.b.id))
    const pool = two.pool({ max: 2, allowStatements: ['EXPLAIN'] })
    const sorted = (rows: readonly { readonly id: number }[]) => rows.map(({ id }) => id).sort((x, y) => x - y)
    stage = {
      two,
      pool,
      ids: async (sql, values = []) => sorted((await as(two, two.a, () => pool.query(sql, [...values]))).rows),
      truth: async (condition, values = []) =>
        sorted(
          (await two.database.admin(`select id from docs where tenant_id = '${two.a.id}' and (${condition})`, values))
            .rows,
        ),
    }
    return () => pool.end()
  })
  return () => {
    if (stage === undefined) throw new Error('the stage is made before the tests')
    return stage
  }
}

const as = <T>(two: TwoTenants, tenant: TestTenant, fn: () => T): T => two.as(tenant, fn)
