import { ruleCase } from '../rule-case.ts'

ruleCase('secdef-unfiltered', {
  object: 'public.all_titles()',
  severity: 'critical',
  hole: `create function all_titles() returns setof text language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents $$;`,
  repaired: `create function all_titles() returns setof text language sql stable security invoker set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents $$;`,
  nearMisses: {
    'it compares with the context': `create function all_titles() returns setof text language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid $$;`,
    'its owner is held by the policies': `create function all_titles() returns setof text language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents $$; alter function all_titles() owner to {owner};`,
    'nobody in reach may call it': `create function all_titles() returns setof text language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents $$; revoke execute on function all_titles() from public;`,
    'it reads no tenant data': `create table countries (code text primary key); create function codes() returns setof text language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select code from public.countries $$;`,
  },
})

const DEFINER = 'language sql stable security definer set search_path = pg_catalog, public, pg_temp'
const TENANT = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`

ruleCase('secdef-unfiltered', {
  name: 'a search over the rows of all',
  object: 'public.search(text)',
  severity: 'critical',
  hole: `create function search(wanted text) returns setof text ${DEFINER} as $$ select title from public.documents where title ilike '%' || wanted || '%' $$;`,
  repaired: `create function search(wanted text) returns setof text ${DEFINER} as $$ select title from public.documents where ${TENANT} and title ilike '%' || wanted || '%' $$;`,
  nearMisses: {
    'an argument that picks the row is secdef-tenant-argument': `create function search(wanted uuid) returns setof text ${DEFINER} as $$ select title from public.documents where id = wanted $$;`,
  },
  beside: {
    'an argument that picks the row is secdef-tenant-argument': {
      rule: 'secdef-tenant-argument',
      because: 'the caller names the row',
    },
  },
})

ruleCase('secdef-unfiltered', {
  name: 'a filter that an argument switches off',
  object: 'public.titles(boolean)',
  severity: 'critical',
  proof: 'static',
  hole: `create function titles(everything boolean) returns setof text ${DEFINER} as $$ select title from public.documents where everything or ${TENANT} $$;`,
  repaired: `create function titles(everything boolean) returns setof text ${DEFINER} as $$ select title from public.documents where (everything or title <> '') and ${TENANT} $$;`,
  nearMisses: {
    'it is not the callers to call': `create function titles(everything boolean) returns setof text ${DEFINER} as $$ select title from public.documents where everything or ${TENANT} $$; revoke execute on function titles(boolean) from public;`,
  },
})

ruleCase('secdef-unfiltered', {
  name: 'a filter that is true where it is NULL',
  object: 'public.some_titles()',
  severity: 'critical',
  proof: 'static',
  hole: `create function some_titles() returns setof text ${DEFINER} as $$ select title from public.documents where coalesce(${TENANT}, true) $$;`,
  repaired: `create function some_titles() returns setof text ${DEFINER} as $$ select title from public.documents where coalesce(${TENANT}, false) $$;`,
  nearMisses: {
    'it must be true': `create function some_titles() returns setof text ${DEFINER} as $$ select title from public.documents where (${TENANT}) is true $$;`,
  },
})

ruleCase('secdef-unfiltered', {
  name: 'a filter that an argument turns around',
  object: 'public.turned(boolean)',
  severity: 'critical',
  proof: 'static',
  hole: `create function turned(mine boolean) returns setof text ${DEFINER} as $$ select title from public.documents where (${TENANT}) = mine $$;`,
  repaired: `create function turned(mine boolean) returns setof text ${DEFINER} as $$ select title from public.documents where (${TENANT}) = true and mine $$;`,
  nearMisses: {},
})

const OPEN_TO_READER = `create policy reads on documents for select to {reader} using (true); grant select on documents to {reader};`

ruleCase('secdef-unfiltered', {
  name: 'an owner with a policy that is always true',
  object: 'public.all_titles()',
  severity: 'critical',
  hole: `${OPEN_TO_READER} create function all_titles() returns setof text ${DEFINER} as $$ select title from public.documents $$; alter function all_titles() owner to {reader};`,
  repaired: `${OPEN_TO_READER} create function all_titles() returns setof text ${DEFINER} as $$ select title from public.documents where ${TENANT} $$; alter function all_titles() owner to {reader};`,
  nearMisses: {
    'the policy of the owner holds': `create policy reads on documents for select to {reader} using (${TENANT}); grant select on documents to {reader}; create function all_titles() returns setof text ${DEFINER} as $$ select title from public.documents $$; alter function all_titles() owner to {reader};`,
  },
})

const NOTES = `create table notes (tenant_id uuid not null references tenants (id), no int not null, document int not null, note text, primary key (tenant_id, no));
  create table drafts (tenant_id uuid not null references tenants (id), no int not null, at date, primary key (tenant_id, no));
  alter table notes enable row level security, force row level security; alter table drafts enable row level security, force row level security;
  create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on notes to {app};
  create policy p on drafts using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on drafts to {app};`
const MINE = TENANT.replace('tenant_id', 'd.tenant_id')

ruleCase('secdef-unfiltered', {
  name: 'a filter on one table of a join, and numbers that each tenant counts',
  object: 'public.drafted()',
  severity: 'critical',
  proof: 'static',
  hole: `${NOTES} create function drafted() returns setof text ${DEFINER} as $$ select n.note from public.drafts d join public.notes n on n.document = d.no where ${MINE} $$;`,
  repaired: `${NOTES} create function drafted() returns setof text ${DEFINER} as $$ select n.note from public.drafts d join public.notes n on n.document = d.no and n.tenant_id = d.tenant_id where ${MINE} $$;`,
  nearMisses: {
    'joined by the tenant with USING': `${NOTES} create function drafted() returns setof text ${DEFINER} as $$ select n.note from public.drafts d join public.notes n using (tenant_id, no) where ${MINE} $$;`,
    'a key that names one row': `create function drafted() returns setof text ${DEFINER} as $$ select t.name from public.tenants t join public.documents d on d.tenant_id = t.id where ${MINE} $$;`,
  },
})

const SIGN_UP = (tenant: string) => `
  create function sign_up(named text) returns uuid language plpgsql security definer set search_path = '' as $$
    declare made public.tenants;
    begin
      insert into public.tenants (name) values (named) returning * into made;
      insert into public.documents (tenant_id, title) values (${tenant}, 'welcome');
      return made.id;
    end $$;`

ruleCase('secdef-unfiltered', {
  name: 'a first row for a tenant',
  object: 'public.sign_up(text)',
  severity: 'critical',
  proof: 'static',
  hole: SIGN_UP('(select t.id from public.tenants t limit 1)'),
  repaired: SIGN_UP(`nullif(current_setting('app.tenant_id', true), '')::uuid`),
  nearMisses: { 'the tenant that it has just made': SIGN_UP('made.id') },
})
