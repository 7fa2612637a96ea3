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
