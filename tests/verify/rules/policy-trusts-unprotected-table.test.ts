import { ruleCase } from '../rule-case.ts'

ruleCase('policy-trusts-unprotected-table', {
  object: 'public.orders',
  severity: 'critical',
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
  beside: {
    'the app may only read the parent': { rule: 'rls-disabled', because: 'it reads the parents of all tenants' },
  },
})

const CONTEXT = `(select nullif(current_setting('app.tenant_id', true), '')::uuid)`
const SHARED = (
  shares: string,
) => `create table files (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants, title text not null, unique (tenant_id, id));
  ${shares}
  alter table files owner to {owner}; alter table shares owner to {owner}; grant select, insert, update, delete on files to {app}; grant select, insert, delete on shares to {app};
  alter table files enable row level security, force row level security; alter table shares enable row level security, force row level security;
  create policy own on files using (tenant_id = ${CONTEXT});
  create policy shared on files for select using (exists (select 1 from shares s where s.file_id = files.id and s.shared_with = ${CONTEXT}));`
const PLAIN = `create table shares (file_id uuid not null references files on delete cascade, shared_with uuid not null references tenants, primary key (file_id, shared_with));`

ruleCase('policy-trusts-unprotected-table', {
  name: 'rows that are shared by another table’s word',
  object: 'public.shares',
  severity: 'critical',
  proof: 'static',
  hole: `${SHARED(PLAIN)} create policy p on shares using (shared_with = ${CONTEXT});`,
  // Without a subquery here: the check below reads files, whose policy reads shares again.
  repaired: `${SHARED(PLAIN)} create policy p on shares for select using (shared_with = nullif(current_setting('app.tenant_id', true), '')::uuid);
    create policy i on shares for insert with check (exists (select 1 from files f where f.id = shares.file_id and f.tenant_id = ${CONTEXT}));`,
  nearMisses: {
    'the key pairs the file with its owner': `${SHARED(`create table shares (owner_tenant uuid not null, file_id uuid not null, shared_with uuid not null references tenants, primary key (file_id, shared_with), foreign key (owner_tenant, file_id) references files (tenant_id, id));`)}
      create policy p on shares for select using (shared_with = ${CONTEXT} or owner_tenant = ${CONTEXT}); create policy i on shares for insert with check (owner_tenant = ${CONTEXT});`,
  },
  beside: {
    'the key pairs the file with its owner': {
      rule: 'policy-wrong-column',
      because: 'two tenants read a share: medium, to be accepted where it is meant',
    },
  },
})

const TEAM = (rest: string) => `drop table documents; drop table tenants;
  create table teams (id uuid primary key default gen_random_uuid(), name text not null);
  create table members (team_id uuid not null references teams, user_id uuid not null, nick text, primary key (team_id, user_id));
  create table posts (team_id uuid not null references teams, id uuid not null default gen_random_uuid(), body text, primary key (team_id, id));
  create function my_id() returns uuid language sql stable as $$ select nullif(current_setting('app.user_id', true), '')::uuid $$;
  create function my_teams() returns setof uuid language sql stable security definer set search_path = '' as $$ select team_id from public.members where user_id = public.my_id() $$;
  do $$ declare t text; begin foreach t in array array['teams','members','posts'] loop execute format('alter table %I owner to {owner}', t); execute format('alter table %I enable row level security', t); execute format('alter table %I force row level security', t); end loop; end $$;
  create policy t on teams for select using (id in (select my_teams())); create policy m on members for select using (team_id in (select my_teams()));
  create policy p on posts using (team_id in (select my_teams())) with check (team_id in (select my_teams()));
  grant select on teams, members to {app}; grant select, insert, update, delete on posts to {app}; ${rest}`

ruleCase('policy-trusts-unprotected-table', {
  name: 'members who enter themselves',
  object: 'public.members',
  severity: 'critical',
  proof: 'static',
  fixMends: false,
  hole: TEAM(
    `create policy i on members for insert with check (user_id = (select my_id())); grant insert on members to {app};`,
  ),
  repaired: TEAM(
    `create policy i on members for insert with check (team_id in (select my_teams())); grant insert on members to {app};`,
  ),
  nearMisses: {
    'members may change what is theirs, and not the team': TEAM(
      `create policy u on members for update using (user_id = (select my_id())) with check (user_id = (select my_id())); grant update (nick) on members to {app};`,
    ),
  },
})

// Channels have the key (tenant, id): an id alone is one of many tenants for whoever may add one. Numbers are so by themselves:
// policy-wrong-column speaks of them.
const CHANNELS = (test: string, key = 'primary key (tenant_id, id)', grants = 'select, insert') => `
  create table channels (tenant_id uuid not null references tenants, id uuid not null, name text, ${key}, unique (tenant_id, id));
  create table messages (tenant_id uuid not null, id int not null, channel_id uuid not null, body text, primary key (tenant_id, id), foreign key (tenant_id, channel_id) references channels (tenant_id, id));
  alter table channels owner to {owner}; alter table messages owner to {owner}; grant ${grants} on channels to {app}; grant select on messages to {app};
  alter table channels enable row level security, force row level security; alter table messages enable row level security, force row level security;
  create policy own on channels using (tenant_id = ${CONTEXT}) with check (tenant_id = ${CONTEXT});
  create policy readable on messages for select using (${test});`

ruleCase('policy-trusts-unprotected-table', {
  name: 'a parent that is looked up by a part of its key',
  object: 'public.channels',
  severity: 'critical',
  proof: 'static',
  hole: CHANNELS('exists (select from channels c where c.id = messages.channel_id)'),
  repaired: CHANNELS(
    'exists (select from channels c where c.id = messages.channel_id and c.tenant_id = messages.tenant_id)',
  ),
  nearMisses: {
    'the tenant is tested beside': CHANNELS(
      `tenant_id = ${CONTEXT} and exists (select from channels c where c.id = messages.channel_id)`,
    ),
    'the app may not add channels': CHANNELS(
      'exists (select from channels c where c.id = messages.channel_id)',
      undefined,
      'select',
    ),
    'an id is of one tenant': CHANNELS(
      'exists (select from channels c where c.id = messages.channel_id)',
      'primary key (id)',
    ),
  },
})
