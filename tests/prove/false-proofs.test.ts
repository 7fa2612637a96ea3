import { describe, expect, it } from 'vitest'
import type { CaseSql } from '../verify/rule-case.ts'
import { withCase } from '../verify/rule-case.ts'

/** The tenants' own key is a text: `acme` and `ACME` are two tenants. */
const TEXT = `
  create table tenants (id text primary key, name text not null);
  create table documents (
    id bigint not null, tenant_id text not null references tenants (id), title text not null, visibility text not null,
    rank integer, primary key (tenant_id, id));
  create table members (tenant_id text not null references tenants (id), user_id text not null, status text not null,
    primary key (tenant_id, user_id));
  alter table tenants owner to {owner}; alter table documents owner to {owner}; alter table members owner to {owner};
  alter table tenants enable row level security, force row level security;
  create policy own on tenants using (id = (select nullif(current_setting('app.tenant_id', true), '')));
  alter table members enable row level security, force row level security;
  create policy own on members using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
  alter table documents enable row level security, force row level security;
  grant select on tenants, members to {app};
  grant select on documents to {app};
  create schema app; grant usage on schema app to {app};`

const CTX = `(select nullif(current_setting('app.tenant_id', true), ''))`

async function verdict(sql: readonly CaseSql[], table = 'public.documents'): Promise<string | undefined> {
  let said: string | undefined
  await withCase(sql, async (verify) => {
    const report = await verify({ mode: 'static' })
    expect(report.summary.internalErrors).toEqual([])
    said = report.tables.find((candidate) => candidate.object === table)?.verbs.select
  })
  return said
}

/** Policies that show rows of other tenants, if only to somebody with the right names. */
const HOLES: Readonly<Record<string, CaseSql>> = {
  'an aggregate has a row when nothing was aggregated': `create policy p on documents using (exists (
    select max(m.user_id) from members m where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX}))`,
  'so has one inside another expression': `create policy p on documents using (exists (
    select coalesce(max(m.user_id), '') from members m where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX}))`,
  'a scalar subquery over nothing is what its aggregate makes of it': `create policy p on documents using ((
    select coalesce(bool_or(m.status = 'active'), true) from members m
     where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX}))`,
  'an aggregate in a derived table': `create policy p on documents using (exists (
    select from (select max(m.user_id) as x from members m where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX}) s))`,
  'an aggregate that is not known by name': `create policy p on documents using (exists (
    select bit_or(1) from members m where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX}))`,
  'an aggregate of one’s own': `create aggregate app.most (text) (sfunc = pg_catalog.text_larger, stype = text);
    create policy p on documents using (exists (
    select app.most(m.user_id) from members m where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX}))`,
  'HAVING without GROUP BY': `create policy p on documents using (exists (
    select from members m where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX} having true))`,
  'an empty grouping set': `create policy p on documents using (exists (
    select from members m where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX} group by ()))`,
  'columns of a CTE that were renamed': `create policy p on documents using (exists (
    with m (tenant_id, user_id) as (select user_id, tenant_id from members)
    select from m where m.tenant_id = documents.tenant_id and m.user_id = ${CTX}))`,
  'columns of a derived table that were renamed': `create policy p on documents using (exists (
    select from (select m.tenant_id, m.user_id from members m offset 0) s (user_id, tenant_id)
     where s.tenant_id = documents.tenant_id and s.user_id = ${CTX}))`,
  'columns of a table that were renamed': `create policy p on documents using (exists (
    select from members m (user_id, tenant_id) where m.tenant_id = documents.tenant_id and m.user_id = ${CTX}))`,
  'a collation that ignores case': `
    create collation app.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create policy p on documents using (tenant_id = ${CTX} collate app.loose)`,
  'a cast to a type that ignores case': `create extension citext;
    create policy p on documents using (tenant_id::citext = ${CTX}::citext)`,
  'a cast to the first byte': `create policy p on documents using (tenant_id::"char" = ${CTX}::"char")`,
  'a cast to a number': `create policy p on documents using (tenant_id::numeric(9,0) = ${CTX}::numeric(9,0))`,
  'a cast to jsonb': `create policy p on documents using (tenant_id::jsonb = ${CTX}::jsonb)`,
  'a cast to a domain over a type that ignores case': `create extension citext; create domain app.loose as citext;
    create policy p on documents using (tenant_id::app.loose = ${CTX}::app.loose)`,
  'a cast of the context to its first byte': `create policy p on documents using (tenant_id = ${CTX}::"char"::text)`,
  'a number that is true': `create policy p on documents using (tenant_id = ${CTX} or 1::boolean)`,
  'two spellings of one number': `create policy p on documents using (tenant_id = ${CTX} or 1.0 = 1)`,
  'a word that is true': `create policy p on documents using (tenant_id = ${CTX} or 'yes'::text::boolean = true)`,
  'a sentinel against itself': `create policy p on documents using (tenant_id = ${CTX} or
    coalesce(case when tenant_id = ${CTX} then 1 end, 0) = 0)`,
  'arguments by name': `create function app.mine (tenant text, of_row text) returns boolean language sql stable
      return tenant = nullif(current_setting('app.tenant_id', true), '');
    create policy p on documents using (app.mine(of_row => tenant_id, tenant => ${CTX}))`,
  'an operator of one’s own': `create function app.same (text, text) returns boolean language sql immutable return lower($1) = lower($2);
    create operator app.= (leftarg = text, rightarg = text, function = app.same);
    create policy p on documents using (tenant_id operator(app.=) ${CTX})`,
  'an operator of one’s own, over a subquery': `create function app.same (text, text) returns boolean language sql immutable return lower($1) = lower($2);
    create operator app.= (leftarg = text, rightarg = text, function = app.same);
    create policy p on documents using (tenant_id operator(app.=) any (select nullif(current_setting('app.tenant_id', true), '')))`,
  'a function called current_setting': `create function app.current_setting (text, boolean) returns text language plpgsql stable as $$
      begin execute 'select id from tenants' into $1; return $1; end $$;
    create policy p on documents using (tenant_id = (select app.current_setting('app.tenant_id', true)))`,
  'a function with a context of its own': `create function app.mine (tenant text) returns boolean language sql stable
      set app.tenant_id = 'acme' return tenant = nullif(current_setting('app.tenant_id', true), '');
    create policy p on documents using (app.mine(tenant_id) and ${CTX} is not null)`,
  'a function that changes the context': `create function app.mine (tenant text) returns boolean language plpgsql volatile as $$
      begin perform set_config('app.tenant_id', tenant, true); return tenant = current_setting('app.tenant_id', true); end $$;
    create policy p on documents using (app.mine(tenant_id) and ${CTX} is not null)`,
  'a document where the setting should be': `alter table documents add meta jsonb;
    create policy own on documents for select using (tenant_id = ${CTX} or
      tenant_id = (coalesce(meta, nullif(current_setting('app.claims', true), '')::jsonb) ->> 'tenant_id'))`,
  'two calls of a function that is not the same twice': `create function app.anyone () returns text language plpgsql volatile as $$
      declare found_one text; begin for found_one in select id from tenants order by random() loop return found_one; end loop; return null; end $$;
    create policy p on documents using (tenant_id = app.anyone() and app.anyone() = ${CTX})`,
}

/** In a schema whose setting holds the user. */
const KEYED = `
  create table tenants (id uuid primary key, name text not null);
  create table members (tenant_id uuid not null references tenants (id), user_id uuid not null, status text not null,
    primary key (tenant_id, user_id));
  create table documents (id uuid not null, tenant_id uuid not null references tenants (id), status text not null,
    title text not null, primary key (tenant_id, id));
  create table notes (id uuid not null, tenant_id uuid not null references tenants (id), primary key (tenant_id, id));
  alter table tenants owner to {owner}; alter table members owner to {owner}; alter table documents owner to {owner};
  alter table notes owner to {owner};
  alter table tenants enable row level security; alter table members enable row level security;
  alter table documents enable row level security; alter table notes enable row level security;
  create policy own on members using (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
  create policy own on tenants using (exists (select from members m
    where m.tenant_id = tenants.id and m.user_id = nullif(current_setting('app.user_id', true), '')::uuid));
  create policy own on notes using (tenant_id in (select m.tenant_id from members m
    where m.user_id = nullif(current_setting('app.user_id', true), '')::uuid));
  grant select on members, tenants, documents, notes to {app};`
const KEY = `nullif(current_setting('app.user_id', true), '')::uuid`

const KEYED_HOLES: Readonly<Record<string, CaseSql>> = {
  'a constant joins nothing': `create policy p on documents using (status = 'active' and exists (
    select from members m where m.user_id = ${KEY} and m.status = 'active'))`,
  'a column that is no tenant’s joins no tenant': `create policy p on documents using (exists (
    select from members m where m.user_id = ${KEY} and m.status = documents.status))`,
  'two lookups with the same constant': `create policy p on documents using (exists (
    select from members m, members o where m.user_id = ${KEY} and m.status = 'active' and o.status = 'active'
       and o.tenant_id = documents.tenant_id))`,
}

describe('the prover proves nothing of a policy that shows rows of others', () => {
  for (const [name, sql] of Object.entries(HOLES))
    it(name, async () => {
      expect(await verdict([TEXT, sql])).not.toBe('proved-static')
    })
  for (const [name, sql] of Object.entries(KEYED_HOLES))
    it(`where the setting holds the user: ${name}`, async () => {
      expect(await verdict([KEYED, sql])).not.toBe('proved-static')
    })
})

/** Near misses: these hold. */
const HOLDING: Readonly<Record<string, CaseSql>> = {
  'the plain policy': `create policy p on documents using (tenant_id = ${CTX})`,
  'a group has rows': `create policy p on documents using (exists (
    select max(m.user_id) from members m where m.tenant_id = documents.tenant_id and m.tenant_id = ${CTX} group by m.status))`,
  'the greatest of them': `create policy p on documents using (tenant_id = (select max(m.tenant_id) from members m where m.tenant_id = ${CTX}))`,
  'renamed columns that say the same': `create policy p on documents using (exists (
    with m (a, b) as (select tenant_id, user_id from members)
    select from m where m.a = documents.tenant_id and m.a = ${CTX}))`,
  'a deterministic collation': `create policy p on documents using (tenant_id = ${CTX} collate "C")`,
  'a cast to text': `create policy p on documents using (tenant_id::varchar = ${CTX}::varchar)`,
  'a sentinel for no context': `create policy p on documents using (tenant_id = coalesce(${CTX}, '-1'))`,
  'arguments in their order': `create function app.mine (tenant text, of_row text) returns boolean language sql stable
      return tenant = nullif(current_setting('app.tenant_id', true), '');
    create policy p on documents using (app.mine(tenant_id, ${CTX}))`,
}

describe('and still proves what holds', () => {
  for (const [name, sql] of Object.entries(HOLDING))
    it(name, async () => {
      expect(await verdict([TEXT, sql])).toBe('proved-static')
    })
  it('where the setting holds the user', async () => {
    const sql = `create policy p on documents using (exists (
      select from members m where m.user_id = ${KEY} and m.status = 'active' and m.tenant_id = documents.tenant_id))`
    expect(await verdict([KEYED, sql])).toBe('proved-static')
    expect(await verdict([KEYED, sql], 'public.notes')).toBe('proved-static')
  })
})
