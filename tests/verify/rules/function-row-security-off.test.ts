import { ruleCase } from '../rule-case.ts'

ruleCase('function-row-security-off', {
  object: 'public.report()',
  severity: 'medium',
  proof: 'static',
  hole: `create function report() returns integer language sql stable security invoker set row_security = off as $$ select 1 $$;`,
  repaired: `create function report() returns integer language sql stable security invoker set search_path = pg_catalog, public, pg_temp as $$ select 1 $$;`,
  nearMisses: {
    'it sets something else': `create function report() returns integer language sql stable security invoker set work_mem = '8MB' as $$ select 1 $$;`,
  },
})
