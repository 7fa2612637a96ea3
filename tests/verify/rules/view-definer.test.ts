import { ruleCase } from '../rule-case.ts'

ruleCase('view-definer', {
  object: 'public.titles',
  severity: 'critical',
  hole: `create view titles as select id, tenant_id, title from documents; grant select on titles to {app};`,
  repaired: `create view titles with (security_invoker = true) as select id, tenant_id, title from documents; grant select on titles to {app};`,
  nearMisses: {
    'its owner is held by the policies': `create view titles as select id, tenant_id, title from documents; alter view titles owner to {owner}; grant select on titles to {app};`,
    'nobody in reach may read it': `create view titles as select id, tenant_id, title from documents;`,
    'it reads no tenant data': `create table countries (code text primary key); grant select on countries to {app}; create view codes as select code from countries; grant select on codes to {app};`,
  },
})
