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
