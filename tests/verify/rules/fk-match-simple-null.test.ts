import { ruleCase } from '../rule-case.ts'

ruleCase('fk-match-simple-null', {
  hole: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app};alter table projects add unique (tenant_id, id); create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (tenant_id, project_id) references projects (tenant_id, id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app}; alter table tasks alter tenant_id drop not null; alter table tasks disable row level security;`,
  object: `public.tasks`,
  severity: 'medium',
  repaired: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app};alter table projects add unique (tenant_id, id); create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (tenant_id, project_id) references projects (tenant_id, id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  nearMisses: {
    'the reference as a whole is optional': `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app};alter table projects add unique (tenant_id, id); create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (tenant_id, project_id) references projects (tenant_id, id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
    'the part that stays is checked by another key': `create table channels (tenant_id uuid not null references tenants, id int not null, primary key (tenant_id, id));
      create table messages (tenant_id uuid not null, channel_id int not null, id int not null, parent_id int, primary key (tenant_id, channel_id, id), foreign key (tenant_id, channel_id) references channels, foreign key (tenant_id, channel_id, parent_id) references messages);
      alter table channels owner to {owner}; alter table messages owner to {owner};
      alter table channels enable row level security, force row level security; alter table messages enable row level security, force row level security;
      create policy own on channels using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
      create policy own on messages using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
      grant select, insert, update, delete on channels, messages to {app};`,
  },
})
