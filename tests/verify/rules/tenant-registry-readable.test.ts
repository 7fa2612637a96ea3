import { ruleCase } from '../rule-case.ts'

ruleCase('tenant-registry-readable', {
  hole: `alter table tenants disable row level security;`,
  object: `public.tenants`,
  severity: 'medium',
  repaired: `select 1;`,
  nearMisses: {
    'the app may not read it': `alter table tenants disable row level security; revoke select on tenants from {app};`,
  },
})
