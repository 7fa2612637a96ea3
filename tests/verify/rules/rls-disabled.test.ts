import { ruleCase } from '../rule-case.ts'

const TABLE = `
  create table invoices (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), note text);
  alter table invoices owner to {owner};
  grant select, insert, update, delete on invoices to {app};`
const POLICY = `
  create policy tenant_isolation on invoices using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`

ruleCase('rls-disabled', {
  hole: TABLE,
  object: 'public.invoices',
  severity: 'critical',
  repaired: `${TABLE} ${POLICY} alter table invoices enable row level security, force row level security;`,
  nearMisses: {
    'nobody in reach has a grant': `${TABLE} revoke all on invoices from {app};`,
    'only a role that the app is no member of may read': `${TABLE} revoke all on invoices from {app}; grant select on invoices to {reporting};`,
  },
})

ruleCase('rls-disabled', {
  // Policies that were written and never switched on.
  hole: `${TABLE} ${POLICY}`,
  object: 'public.invoices',
  repaired: `${TABLE} ${POLICY} alter table invoices enable row level security, force row level security;`,
  nearMisses: {},
})
