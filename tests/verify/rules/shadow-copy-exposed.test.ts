import { ruleCase } from '../rule-case.ts'

ruleCase('shadow-copy-exposed', {
  object: 'public.documents_backup',
  severity: 'critical',
  hole: `create table documents_backup as select * from documents; alter table documents_backup owner to {owner}; grant select on documents_backup to {app};`,
  repaired: `create table documents_backup as select * from documents; alter table documents_backup owner to {owner};`,
  nearMisses: {
    'the copy is protected': `create table documents_backup as select * from documents; alter table documents_backup owner to {owner}; grant select on documents_backup to {app}; alter table documents_backup enable row level security, force row level security; create policy p on documents_backup using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  },
})
