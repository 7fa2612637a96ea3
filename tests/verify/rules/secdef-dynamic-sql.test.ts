import { ruleCase } from '../rule-case.ts'

ruleCase('secdef-dynamic-sql', {
  object: 'public.find_titles(text)',
  severity: 'critical',
  hole: `create function find_titles(wanted text) returns setof text language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$ begin return query execute 'select title from public.documents where title = ''' || wanted || ''''; end $$;`,
  repaired: `create function find_titles(wanted text) returns setof text language sql stable security invoker set search_path = pg_catalog, public, pg_temp as $$ select title from public.documents where title = wanted $$;`,
  nearMisses: {
    'the value is bound': `create function find_titles(wanted text) returns setof text language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$ begin return query execute 'select title from public.documents where tenant_id = $2 and title = $1' using wanted, nullif(current_setting('app.tenant_id', true), '')::uuid; end $$;`,
    'the value is quoted': `create function find_titles(wanted text) returns setof text language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$ begin return query execute format('select title from public.documents where tenant_id = %L and title = %L', nullif(current_setting('app.tenant_id', true), '')::uuid, wanted); end $$;`,
    'quote_literal quotes it': `create function find_titles(wanted text) returns setof text language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$ begin return query execute 'select title from public.documents where title = ' || quote_literal(wanted); end $$;`,
  },
})
