import { ruleCase } from '../rule-case.ts'

ruleCase('view-nested-definer', {
  object: 'public.outer_titles',
  severity: 'critical',
  hole: `create view inner_titles as select id, tenant_id, title from documents; create view outer_titles as select id, title from inner_titles; alter view outer_titles owner to {owner}; grant select on inner_titles to {owner}; grant select on outer_titles to {app};`,
  repaired: `create view inner_titles with (security_invoker = true) as select id, tenant_id, title from documents; create view outer_titles with (security_invoker = true) as select id, title from inner_titles; grant select on outer_titles, inner_titles to {app};`,
  nearMisses: {
    'the inner view reads as a role that is held': `create view inner_titles as select id, tenant_id, title from documents; alter view inner_titles owner to {owner}; create view outer_titles with (security_invoker = true) as select id, title from inner_titles; grant select on outer_titles, inner_titles to {app};`,
  },
})
