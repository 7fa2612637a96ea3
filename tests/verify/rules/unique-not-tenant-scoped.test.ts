import { ruleCase } from '../rule-case.ts'

ruleCase('unique-not-tenant-scoped', {
  hole: `alter table documents add unique (title);`,
  object: `public.documents`,
  severity: 'medium',
  repaired: `alter table documents add unique (tenant_id, title);`,
  nearMisses: {
    'a surrogate key': `alter table documents add column public_id uuid not null default gen_random_uuid() unique;`,
    'scoped by a parent': `create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), name text); alter table projects add unique (tenant_id, id); alter table projects owner to {owner}; alter table projects enable row level security, force row level security;
  create policy tenant_isolation on projects using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on projects to {app}; create table tasks (id bigint generated always as identity primary key, tenant_id uuid not null references tenants (id), project_id uuid, body text, unique (project_id, body), foreign key (tenant_id, project_id) references projects (tenant_id, id)); alter table tasks owner to {owner}; alter table tasks enable row level security, force row level security;
  create policy tenant_isolation on tasks using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, insert, update, delete on tasks to {app};`,
    'a secret that is looked up': `alter table documents add column share_token text unique;`,
    'tenants have keys of their own': `alter table tenants add column slug text unique;`,
    'the app may change other columns alone': `create table staff (tenant_id uuid not null references tenants (id), id uuid not null default gen_random_uuid(), email text not null unique, title text, primary key (tenant_id, id)); alter table staff owner to {owner}; alter table staff enable row level security, force row level security;
  create policy tenant_isolation on staff using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select, update (title) on staff to {app};`,
    'the tenant inside an expression': `create unique index on documents ((tenant_id::text || '/' || title));`,
  },
})

ruleCase('unique-not-tenant-scoped', {
  hole: `create unique index documents_title on documents (lower(title)) where title <> '';`,
  object: `public.documents`,
  severity: 'medium',
  repaired: `create unique index documents_title on documents (tenant_id, lower(title)) where title <> '';`,
  nearMisses: {},
})
