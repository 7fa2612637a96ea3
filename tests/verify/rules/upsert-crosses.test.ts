import { ruleCase } from '../rule-case.ts'

ruleCase('upsert-crosses', {
  hole: `alter table documents add unique (title); create function put(t text) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$ insert into public.documents (tenant_id, title) values (nullif(current_setting('app.tenant_id', true), '')::uuid, t) on conflict (title) do update set title = excluded.title $$;`,
  object: `public.put(text)`,
  severity: 'high',
  repaired: `alter table documents add unique (title); create function put(t text) returns void language sql security invoker set search_path = pg_catalog, pg_temp as $$ insert into public.documents (tenant_id, title) values (nullif(current_setting('app.tenant_id', true), '')::uuid, t) on conflict (title) do update set title = excluded.title $$;`,
  nearMisses: {
    'the target leads with the tenant': `alter table documents add unique (tenant_id, title); create function put(t text) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$ insert into public.documents (tenant_id, title) values (nullif(current_setting('app.tenant_id', true), '')::uuid, t) on conflict (tenant_id, title) do update set title = excluded.title $$;`,
    'nobody in reach may call it': `alter table documents add unique (title); create function put(t text) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$ insert into public.documents (tenant_id, title) values (nullif(current_setting('app.tenant_id', true), '')::uuid, t) on conflict (title) do update set title = excluded.title $$; revoke execute on function put(text) from public;`,
  },
  beside: {
    repaired: { rule: 'unique-not-tenant-scoped', because: 'titles are still unique over all tenants' },
    'nobody in reach may call it': {
      rule: 'unique-not-tenant-scoped',
      because: 'titles are still unique over all tenants',
    },
  },
})
