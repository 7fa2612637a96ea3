import { ruleCase } from '../rule-case.ts'

ruleCase('fk-cascade-crosses', {
  hole: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app}; create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (project_id) references projects (id) on delete cascade); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  object: `public.tasks`,
  severity: 'high',
  repaired: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app};alter table projects add unique (tenant_id, id); create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  nearMisses: {
    'nothing cascades': `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app}; create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (project_id) references projects (id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  },
  beside: {
    'nothing cascades': { rule: 'fk-crosses-tenants', because: 'the key leaves out the tenant all the same' },
  },
})

ruleCase('fk-cascade-crosses', {
  hole: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app}; create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (project_id) references projects (id) on delete set null); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  object: `public.tasks`,
  severity: 'high',
  repaired: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app};alter table projects add unique (tenant_id, id); create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete set null (project_id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  nearMisses: {},
})
