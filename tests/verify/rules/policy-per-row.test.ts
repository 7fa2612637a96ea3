import { ruleCase } from '../rule-case.ts'

ruleCase('policy-per-row', {
  hole: `drop policy tenant_isolation on documents; create policy tenant_isolation on documents using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);`,
  object: `public.documents`,
  severity: 'low',
  repaired: `select 1;`,
  nearMisses: {
    'a varchar compared as text': `create table notes (id bigint generated always as identity primary key, tenant_id varchar(60) not null); create index on notes (tenant_id); alter table notes owner to {owner}; alter table notes enable row level security, force row level security; create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), ''))); grant select on notes to {app};`,
  },
})

ruleCase('policy-per-row', {
  // Casting the setting in place of the column turns other values into errors.
  fixMends: false,
  hole: `drop policy tenant_isolation on documents; create policy tenant_isolation on documents using (tenant_id::text = (select current_setting('app.tenant_id', true)));`,
  object: `public.documents`,
  severity: 'low',
  proof: 'static',
  repaired: `select 1;`,
  nearMisses: {},
})
