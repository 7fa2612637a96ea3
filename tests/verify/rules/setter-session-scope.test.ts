import { ruleCase } from '../rule-case.ts'

ruleCase('setter-session-scope', {
  object: 'public.use_tenant(uuid)',
  severity: 'high',
  hole: `create function use_tenant(wanted uuid) returns void language sql volatile security invoker set search_path = pg_catalog, public, pg_temp as $$ select set_config('app.tenant_id', wanted::text, false) $$;`,
  repaired: `create function use_tenant(wanted uuid) returns void language sql volatile security invoker set search_path = pg_catalog, public, pg_temp as $$ select set_config('app.tenant_id', wanted::text, true) $$;`,
  nearMisses: {
    'it sets another setting': `create function use_zone(zone text) returns void language sql volatile security invoker set search_path = pg_catalog, public, pg_temp as $$ select set_config('app.zone', zone, false) $$;`,
    'nobody in reach may call it': `create function use_tenant(wanted uuid) returns void language sql volatile security invoker set search_path = pg_catalog, public, pg_temp as $$ select set_config('app.tenant_id', wanted::text, false) $$; revoke execute on function use_tenant(uuid) from public;`,
  },
})

ruleCase('setter-session-scope', {
  name: 'with named arguments, in a procedure',
  object: 'public.enter(uuid)',
  severity: 'high',
  proof: 'static',
  hole: `create procedure enter(wanted uuid) language plpgsql as $$ begin perform set_config('app.tenant_id', wanted::text, is_local => false); end $$;`,
  repaired: `create procedure enter(wanted uuid) language plpgsql as $$ begin perform set_config('app.tenant_id', wanted::text, is_local => true); end $$;`,
  nearMisses: {
    'all three are named': `create procedure enter(wanted uuid) language plpgsql as $$ begin perform set_config(setting_name => 'app.tenant_id', is_local => true, new_value => wanted::text); end $$;`,
  },
})
