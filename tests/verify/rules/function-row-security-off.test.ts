import { expect, it } from 'vitest'
import { HOLDING, openCase, ruleCase } from '../rule-case.ts'

ruleCase('function-row-security-off', {
  object: 'public.report()',
  // A query that a policy would filter ends in an error: no row is shown.
  severity: 'low',
  proof: 'static',
  hole: `create function report() returns integer language sql stable security invoker set row_security = off as $$ select 1 $$;`,
  repaired: `create function report() returns integer language sql stable security invoker set search_path = pg_catalog, public, pg_temp as $$ select 1 $$;`,
  nearMisses: {
    'it sets something else': `create function report() returns integer language sql stable security invoker set work_mem = '8MB' as $$ select 1 $$;`,
  },
})

ruleCase('function-row-security-off', {
  name: 'by another word',
  object: 'public.report()',
  severity: 'low',
  proof: 'static',
  hole: `create function report() returns integer language sql stable set row_security = false as $$ select 1 $$;`,
  repaired: `create function report() returns integer language sql stable set row_security = on as $$ select 1 $$;`,
  nearMisses: {},
})

ruleCase('function-row-security-off', {
  name: 'a tenant of its own',
  object: 'public.report()',
  severity: 'medium',
  proof: 'static',
  hole: `create function report() returns integer language sql stable set app.tenant_id = '00000000-0000-0000-0000-000000000001' as $$ select 1 $$;`,
  repaired: `create function report() returns integer language sql stable as $$ select 1 $$;`,
  nearMisses: {},
})

it('shows no row to a function with row_security = off: its query fails', async () => {
  const opened = await openCase([
    HOLDING,
    'create function report() returns bigint language sql stable set row_security = off as $$ select count(*) from public.documents $$;',
  ])
  try {
    const asked = opened.query(`set role ${opened.role('app')}; select public.report()`)
    await expect(asked).rejects.toMatchObject({ code: '42501' })
  } finally {
    await opened.run('reset role')
    await opened.close()
  }
})
