import { ruleCase } from '../rule-case.ts'

ruleCase('grant-tenant-registry-write', {
  hole: `alter table tenants disable row level security; grant update on tenants to {app};`,
  object: `public.tenants`,
  severity: 'high',
  repaired: `grant update on tenants to {app};`,
  nearMisses: {
    'another role writes it': `alter table tenants disable row level security; grant update on tenants to {billing};`,
  },
  beside: {
    'another role writes it': { rule: 'tenant-registry-readable', because: 'no policy holds the registry' },
  },
})
