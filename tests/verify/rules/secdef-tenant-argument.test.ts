import { ruleCase } from '../rule-case.ts'

ruleCase('secdef-tenant-argument', {
  object: 'public.title_of(uuid)',
  severity: 'critical',
  hole: `create function title_of(wanted uuid) returns text language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents where id = wanted $$;`,
  repaired: `create function title_of(wanted uuid) returns text language sql stable security invoker set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents where id = wanted $$;`,
  nearMisses: {
    'it compares with the context, too': `create function title_of(wanted uuid) returns text language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents where id = wanted and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid $$;`,
    'a strict check stops before anything is read': `create function title_of(wanted uuid) returns text language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$ begin if wanted is distinct from nullif(current_setting('app.tenant_id', true), '')::uuid then raise exception 'no'; end if; return (select title from public.documents where tenant_id = wanted limit 1); end $$;`,
  },
})

const DEFINER = `language plpgsql security definer set search_path = ''`
const SETTING = `nullif(current_setting('app.tenant_id', true), '')`

ruleCase('secdef-tenant-argument', {
  name: 'a check that there is a tenant, and not which',
  object: 'public.purge(uuid)',
  severity: 'critical',
  proof: 'static',
  hole: `create procedure purge(wanted uuid) ${DEFINER} as $$ begin if ${SETTING} is null then raise exception 'no tenant'; end if; delete from public.documents where id = wanted; end $$;`,
  repaired: `create procedure purge(wanted uuid) ${DEFINER} as $$ begin if ${SETTING} is null then raise exception 'no tenant'; end if; delete from public.documents where id = wanted and tenant_id = ${SETTING}::uuid; end $$;`,
  nearMisses: {
    'it stops where the caller has no such row': `create procedure purge(wanted uuid) ${DEFINER} as $$ begin if not exists (select 1 from public.documents d where d.id = wanted and d.tenant_id = ${SETTING}::uuid) then raise exception 'not found'; end if; delete from public.documents where id = wanted; end $$;`,
    'it looks for the row first': `create procedure purge(wanted uuid) ${DEFINER} as $$ begin perform 1 from public.documents d where d.id = wanted and d.tenant_id = ${SETTING}::uuid; if not found then raise exception 'not found'; end if; delete from public.documents where id = wanted; end $$;`,
    'no tenant is stopped, and so is another': `create procedure purge(wanted uuid) ${DEFINER} as $$ begin if ${SETTING} is null or ${SETTING}::uuid <> (select d.tenant_id from public.documents d where d.id = wanted) then raise exception 'not found'; end if; delete from public.documents where id = wanted; end $$;`,
  },
})

ruleCase('secdef-tenant-argument', {
  name: 'a row that is given to the tenant that the caller names',
  object: 'public.give(uuid, uuid)',
  severity: 'critical',
  proof: 'static',
  hole: `create function give(wanted uuid, target uuid) returns void ${DEFINER} as $$ begin update public.documents set tenant_id = target where id = wanted and tenant_id = ${SETTING}::uuid; end $$;`,
  repaired: `create function give(wanted uuid, target uuid) returns void language sql security invoker as $$ update public.documents set tenant_id = target where id = wanted $$;`,
  nearMisses: {
    'only the title is given': `create function give(wanted uuid, target text) returns void ${DEFINER} as $$ begin update public.documents set title = target where id = wanted and tenant_id = ${SETTING}::uuid; end $$;`,
  },
})

const INDEX = `create materialized view found as select tenant_id, id, title from documents;`
const SEARCH = (where: string) =>
  `${INDEX} create function search(wanted text) returns table (title text) language sql stable security definer set search_path = '' as $$ select f.title from public.found f where f.title = wanted ${where} $$;`

ruleCase('secdef-tenant-argument', {
  name: 'a materialized view behind a definer function',
  object: 'public.search(text)',
  severity: 'critical',
  proof: 'static',
  fixMends: false,
  hole: SEARCH(''),
  repaired: SEARCH(`and f.tenant_id = ${SETTING}::uuid`),
  nearMisses: {
    'of the product': `create materialized view found as select 'x'::text as title; create function search(wanted text) returns table (title text) language sql stable security definer set search_path = '' as $$ select f.title from public.found f where f.title = wanted $$;`,
  },
})

const MEMBERS = `create table members (tenant_id uuid not null references tenants (id), user_id uuid not null, role text not null, primary key (tenant_id, user_id));
  alter table members enable row level security, force row level security;
  create policy own on members for select using (tenant_id = (select ${SETTING}::uuid)); grant select on members to {app};`
const USER = `nullif(current_setting('app.user_id', true), '')::uuid`

ruleCase('secdef-tenant-argument', {
  name: 'the role of anybody in any tenant',
  object: 'public.role_in(uuid)',
  severity: 'critical',
  proof: 'static',
  hole: `${MEMBERS} create function role_in(wanted uuid) returns setof text language sql stable security definer set search_path = '' as $$ select m.role from public.members m where m.tenant_id = wanted $$;`,
  repaired: `${MEMBERS} create function role_in(wanted uuid) returns setof text language sql stable security definer set search_path = '' as $$ select m.role from public.members m where m.tenant_id = wanted and m.user_id = ${USER} $$;`,
  nearMisses: {
    'a user asks whether he is a member': `${MEMBERS} create function is_member(wanted uuid) returns boolean language sql stable security definer set search_path = '' as $$ select exists (select 1 from public.members m where m.tenant_id = wanted and m.user_id = ${USER}) $$;`,
  },
})

ruleCase('secdef-tenant-argument', {
  name: 'a question about anybody’s row, filtered by a setting that names nobody',
  object: 'public.has_title(text)',
  severity: 'critical',
  proof: 'static',
  hole: `alter table documents add region text; create function has_title(wanted text) returns boolean language sql stable security definer set search_path = '' as $$ select exists (select 1 from public.documents d where d.title = wanted and d.region = current_setting('app.region', true)) $$;`,
  repaired: `alter table documents add region text; create function has_title(wanted text) returns boolean language sql stable security definer set search_path = '' as $$ select exists (select 1 from public.documents d where d.title = wanted and d.tenant_id = ${SETTING}::uuid) $$;`,
  nearMisses: {},
})

const BILLS = `
  create table bills (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), email text not null);
  create index on bills (tenant_id); alter table bills owner to {owner};
  alter table bills enable row level security; grant select on bills to {app};
  create policy own on bills for select using (tenant_id = (select ${SETTING}::uuid));
  create function role_json(tenant uuid) returns jsonb language plpgsql stable set search_path = '' as $$
    declare answer jsonb;
    begin
      select jsonb_build_object('role', 'member') into answer from public.tenants t
      where t.id = ${SETTING}::uuid and t.id = role_json.tenant;
      if answer ->> 'role' is null then raise exception 'Not found'; end if;
      return answer;
    end $$;
  create function may_see(tenant uuid) returns boolean language sql stable set search_path = '' as $$
    select exists (select 1 from public.tenants t where t.id = ${SETTING}::uuid and t.id = may_see.tenant) $$;`
const READ = 'return (select b.email from public.bills b where b.tenant_id = billing.tenant limit 1);'
const BILLING = (guard: string, declared = '', last = READ) =>
  `${BILLS} create function billing(tenant uuid) returns text ${DEFINER} as $$ ${declared} begin ${guard} ${last} end $$; alter function billing(uuid) owner to {owner};`

ruleCase('secdef-tenant-argument', {
  name: 'guards that stand in helpers',
  object: 'public.billing(uuid)',
  severity: 'critical',
  hole: BILLING(''),
  repaired: BILLING('perform public.role_json(billing.tenant);'),
  nearMisses: {
    'a helper raises where the caller is nobody there': BILLING(
      'select public.role_json(billing.tenant) into answer;',
      'declare answer jsonb;',
    ),
    'it reads only where the caller is asked for': BILLING(
      `if exists (select 1 from public.tenants t where t.id = ${SETTING}::uuid and t.id = billing.tenant) then ${READ} end if;`,
      '',
      'return null;',
    ),
    'it reads only where a helper says yes': BILLING(
      `if public.may_see(billing.tenant) and true then ${READ} end if;`,
      '',
      'return null;',
    ),
    'a variable gets what the helper that raises answers': BILLING(
      'answer := public.role_json(billing.tenant);',
      'declare answer jsonb;',
    ),
    'a condition asks the helper that raises': BILLING(
      `if (select public.role_json(billing.tenant) ->> 'role' <> 'member') then raise exception 'no'; end if;`,
    ),
    'a helper answers yes or no': BILLING(
      `select public.may_see(billing.tenant) into allowed; if not allowed then raise exception 'no'; end if;`,
      'declare allowed boolean;',
    ),
    'a helper is asked in a way that is not read, and keeps the other tenant out when called': BILLING(
      `allowed := (select bool_and(public.may_see(t)) from unnest(array[billing.tenant]) as t); if allowed is not true then raise exception 'no'; end if;`,
      'declare allowed boolean;',
    ),
  },
})
