import { expect, it } from 'vitest'
import { HOLDING, openCase, ruleCase } from '../rule-case.ts'

ruleCase('fk-set-null-clears-tenant', {
  hole: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app};alter table projects add unique (tenant_id, id); create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete set null); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app}; alter table tasks alter tenant_id drop not null;`,
  object: `public.tasks`,
  severity: 'high',
  repaired: `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app};alter table projects add unique (tenant_id, id); create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete set null (project_id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
  nearMisses: {},
})

const PROJECTS = `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app}; alter table projects add unique (tenant_id, id);`
const tasks = (
  tenantColumn: string,
  action: string,
) => `${PROJECTS} create table tasks (id bigint generated always as identity primary key, tenant_id uuid ${tenantColumn} references tenants (id), project_id uuid, body text, foreign key (tenant_id, project_id) references projects (tenant_id, id) ${action}); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`
const FIRST = "insert into tenants values ('aaaaaaaa-0000-4000-8000-000000000001', 'first');"
const CONSTANT = "not null default 'aaaaaaaa-0000-4000-8000-000000000001'"
const OF_SESSION = "not null default (nullif(current_setting('app.tenant_id', true), '')::uuid)"

// PostgreSQL refuses NULL in a NOT NULL column, but not a default. With project_id NULL the key asks for no project.
ruleCase('fk-set-null-clears-tenant', {
  name: 'SET DEFAULT gives the row to the tenant of the default',
  hole: tasks(CONSTANT, 'on delete set default'),
  object: 'public.tasks',
  severity: 'high',
  proof: 'static',
  repaired: tasks('not null', 'on delete set default (project_id)'),
  nearMisses: {},
})

ruleCase('fk-set-null-clears-tenant', {
  name: 'PostgreSQL refuses SET DEFAULT where the default is NULL',
  hole: tasks('not null default null::uuid', 'on delete set default'),
  object: 'public.tasks',
  severity: 'medium',
  proof: 'static',
  repaired: tasks('not null', 'on delete set default (project_id)'),
  nearMisses: {},
})

ruleCase('fk-set-null-clears-tenant', {
  name: 'SET DEFAULT gives the row to the tenant of the session',
  hole: tasks(OF_SESSION, 'on delete set default'),
  object: 'public.tasks',
  severity: 'medium',
  proof: 'static',
  repaired: tasks(OF_SESSION, 'on delete set default (project_id)'),
  nearMisses: {},
})

ruleCase('fk-set-null-clears-tenant', {
  name: 'PostgreSQL refuses SET DEFAULT where a NOT NULL column has no default',
  hole: tasks('not null', 'on delete set default'),
  object: 'public.tasks',
  severity: 'medium',
  proof: 'static',
  repaired: tasks('not null', 'on delete set null (project_id)'),
  nearMisses: {},
})

ruleCase('fk-set-null-clears-tenant', {
  name: 'SET DEFAULT gives the row to the tenant of the default of a domain',
  hole: `create domain tenant_ref as uuid default 'aaaaaaaa-0000-4000-8000-000000000001'; ${tasks('not null', 'on delete set default').replace('tenant_id uuid not null references tenants (id), project_id', 'tenant_id tenant_ref not null references tenants (id), project_id')}`,
  object: 'public.tasks',
  severity: 'high',
  proof: 'static',
  repaired: tasks('not null', 'on delete set default (project_id)'),
  nearMisses: {},
})

it('the row of a tenant moves to the tenant of the default when its parent is deleted', async () => {
  const opened = await openCase([HOLDING, FIRST, tasks(CONSTANT, 'on delete set default')])
  try {
    await opened.run(
      "insert into tenants values ('aaaaaaaa-0000-4000-8000-000000000002', 'second'); insert into projects values ('bbbbbbbb-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002', 'secret'); insert into tasks (tenant_id, project_id, body) select tenant_id, id, name from projects; delete from projects",
    )
    const rows = await opened.query('select right(tenant_id::text, 1) as tenant, body from tasks')
    expect(rows).toEqual([{ tenant: '1', body: 'secret' }])
  } finally {
    await opened.close()
  }
})
