import { ruleCase } from '../rule-case.ts'

ruleCase('untenanted-child', {
  object: 'public.order_lines',
  severity: 'high',
  hole: `create table orders (id uuid primary key, tenant_id uuid not null references tenants (id), note text);
    create table order_lines (id bigint generated always as identity primary key, order_id uuid not null references orders (id), body text);
    alter table orders owner to {owner}; alter table order_lines owner to {owner};
    alter table orders enable row level security, force row level security;
    create policy p on orders using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert, update, delete on orders, order_lines to {app};`,
  repaired: `create table orders (id uuid primary key, tenant_id uuid not null references tenants (id), note text);
    create table order_lines (id bigint generated always as identity primary key, order_id uuid not null references orders (id), body text);
    alter table orders owner to {owner}; alter table order_lines owner to {owner};
    alter table orders enable row level security, force row level security;
    create policy p on orders using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert, update, delete on orders, order_lines to {app}; alter table order_lines enable row level security, force row level security; create policy p on order_lines using (exists (select 1 from orders o where o.id = order_lines.order_id and o.tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)));`,
  nearMisses: {
    'the policy relies on the protected parent': `create table orders (id uuid primary key, tenant_id uuid not null references tenants (id), note text);
    create table order_lines (id bigint generated always as identity primary key, order_id uuid not null references orders (id), body text);
    alter table orders owner to {owner}; alter table order_lines owner to {owner};
    alter table orders enable row level security, force row level security;
    create policy p on orders using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert, update, delete on orders, order_lines to {app}; alter table order_lines enable row level security, force row level security; create policy p on order_lines using (exists (select 1 from orders o where o.id = order_lines.order_id));`,
    'a global list that remembers who made an entry': `create table users (id uuid primary key, tenant_id uuid not null references tenants (id), email text); alter table users owner to {owner}; alter table users enable row level security, force row level security; create policy p on users using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select on users to {app}; create table holidays (day date primary key, added_by uuid references users (id)); grant select on holidays to {app};`,
  },
})

const USERS = `create table users (id uuid primary key, tenant_id uuid not null references tenants (id), email text); alter table users owner to {owner}; alter table users enable row level security, force row level security; create policy p on users using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select on users to {app};`
const HOLIDAYS = `create table holidays (day date primary key, created_by uuid references users (id)); grant select on holidays to {app};`

ruleCase('untenanted-child', {
  name: 'what a person did, that the app only reads',
  object: 'public.visits',
  severity: 'high',
  hole: `${USERS} create table visits (at timestamptz primary key, user_id uuid references users (id) on delete set null, page text); grant select on visits to {app};`,
  repaired: `${USERS} create table visits (at timestamptz primary key, user_id uuid references users (id) on delete set null, page text);`,
  nearMisses: { 'a list of the product that remembers its author': USERS + HOLIDAYS },
})

ruleCase('untenanted-child', {
  name: 'entries with an author, made for tenants by code',
  object: 'public.holidays',
  severity: 'high',
  hole: `${USERS + HOLIDAYS} create function close_on(closed date, by_user uuid) returns void language sql as $$ insert into public.holidays values (closed, by_user) $$;`,
  repaired: `${USERS + HOLIDAYS} create function is_closed(asked date) returns boolean language sql stable as $$ select exists (select from public.holidays where day = asked) $$;`,
  nearMisses: {},
})
