import { ruleCase } from '../rule-case.ts'

ruleCase('policy-trusts-unprotected-table', {
  object: 'public.orders',
  severity: 'critical',
  proof: 'static',
  hole: `create table orders (id uuid primary key, tenant_id uuid not null references tenants (id), note text);
    create table order_lines (id bigint generated always as identity primary key, order_id uuid not null references orders (id), body text);
    alter table orders owner to {owner}; alter table order_lines owner to {owner};
    grant select, insert, update, delete on orders, order_lines to {app}; alter table order_lines enable row level security, force row level security; create policy p on order_lines using (exists (select 1 from orders o where o.id = order_lines.order_id and o.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)));`,
  repaired: `create table orders (id uuid primary key, tenant_id uuid not null references tenants (id), note text);
    create table order_lines (id bigint generated always as identity primary key, order_id uuid not null references orders (id), body text);
    alter table orders owner to {owner}; alter table order_lines owner to {owner};
    alter table orders enable row level security, force row level security;
    create policy p on orders using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert, update, delete on orders, order_lines to {app}; alter table order_lines enable row level security, force row level security; create policy p on order_lines using (exists (select 1 from orders o where o.id = order_lines.order_id and o.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)));`,
  nearMisses: {
    'the app may only read the parent': `create table orders (id uuid primary key, tenant_id uuid not null references tenants (id), note text);
    create table order_lines (id bigint generated always as identity primary key, order_id uuid not null references orders (id), body text);
    alter table orders owner to {owner}; alter table order_lines owner to {owner};
    grant select, insert, update, delete on order_lines to {app}; grant select on orders to {app}; alter table order_lines enable row level security, force row level security; create policy p on order_lines using (exists (select 1 from orders o where o.id = order_lines.order_id and o.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)));`,
  },
})
