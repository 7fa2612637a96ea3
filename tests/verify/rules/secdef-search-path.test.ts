import { ruleCase } from '../rule-case.ts'

ruleCase('secdef-search-path', {
  object: 'public.touch()',
  severity: 'high',
  proof: 'static',
  hole: `create function touch() returns void language sql volatile security definer as $$ select 1 $$;`,
  repaired: `create function touch() returns void language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$ select 1 $$;`,
  nearMisses: {
    'it is BEGIN ATOMIC': `create function touch() returns integer language sql security definer begin atomic select 1; end;`,
    'it runs as the caller': `create function touch() returns void language sql volatile security invoker as $$ select 1 $$;`,
    'nobody in reach may call it': `create function touch() returns void language sql volatile security definer as $$ select 1 $$; revoke execute on function touch() from public;`,
  },
})
