import { ruleCase } from '../rule-case.ts'

ruleCase('inheritance-child-exposed', {
  object: 'public.special_documents',
  severity: 'critical',
  hole: `create table special_documents () inherits (documents);
    alter table special_documents owner to {owner}; grant select, insert on special_documents to {app};`,
  repaired: `create table special_documents () inherits (documents);
    alter table special_documents owner to {owner}; grant select, insert on special_documents to {app}; alter table special_documents enable row level security, force row level security; create policy p on special_documents using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'only the parent is granted': `create table special_documents () inherits (documents);
    alter table special_documents owner to {owner};`,
  },
})
