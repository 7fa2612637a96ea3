import { ruleCase } from '../rule-case.ts'

ruleCase('grant-tenant-column-update', {
  hole: `drop policy tenant_isolation on documents; create policy tenant_isolation on documents using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (true);`,
  object: `public.documents`,
  severity: 'low',
  proof: 'static',
  repaired: `select 1;`,
  nearMisses: {
    'the column can be neither given nor changed': `drop policy tenant_isolation on documents; create policy tenant_isolation on documents using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) with check (true); revoke insert, update on documents from {app}; grant update (title) on documents to {app};`,
  },
})
