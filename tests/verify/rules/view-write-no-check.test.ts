import { ruleCase } from '../rule-case.ts'

ruleCase('view-write-no-check', {
  object: 'public.own_titles',
  severity: 'high',
  hole: `create view own_titles with (security_barrier = true) as select id, tenant_id, title from documents where tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid); grant select, insert, update on own_titles to {app};`,
  repaired: `create view own_titles with (security_barrier = true, check_option = cascaded) as select id, tenant_id, title from documents where tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid); grant select, insert, update on own_titles to {app};`,
  nearMisses: {
    'it is read only': `create view own_titles with (security_barrier = true) as select id, tenant_id, title from documents where tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid); grant select on own_titles to {app};`,
    'it passes writes on as the caller': `create view own_titles with (security_invoker = true) as select id, tenant_id, title from documents where tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid); grant select, insert, update on own_titles to {app};`,
  },
})
