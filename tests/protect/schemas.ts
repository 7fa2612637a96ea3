/** Two tenants of the uuid schemas. */
export const A = '00000000-0000-4000-8000-00000000000a'
export const B = '00000000-0000-4000-8000-00000000000b'

/** Child and grandchild without a tenant column, a nullable tenant column, a serial key, a global table; nothing protected. */
export const UUID_SCHEMA = `
  create table tenants (id uuid primary key default gen_random_uuid(), name text not null);
  create table users (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), email text not null);
  create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants (id), owner_id uuid references users (id) on delete set null, name text not null);
  create table tasks (id uuid primary key default gen_random_uuid(), project_id uuid not null references projects (id) on delete cascade, title text not null);
  create table comments (id serial primary key, task_id uuid not null references tasks (id), body text not null);
  create table countries (code text primary key, name text not null);
  insert into tenants (id, name) values ('${A}', 'a'), ('${B}', 'b');
  insert into users (tenant_id, email) select id, 'x@' || name from tenants;
  insert into projects (tenant_id, owner_id, name) select tenant_id, id, 'p' from users;
  insert into tasks (project_id, title) select p.id, 't' || g from projects p, generate_series(1, 300) g;
  insert into comments (task_id, body) select id, 'c' from tasks limit 200;
  grant select, insert, update, delete, truncate, references on users, projects, tasks, comments to {app};
  grant select, insert on tenants to {app};
  grant select on countries to {app}; grant usage on sequence comments_id_seq to {app};`

/** Another schema, bigint tenants, quoted names, a column-level unique key, a partitioned table. */
export const BIGINT_SCHEMA = `
  create schema "Shop"; grant usage on schema "Shop" to {app};
  create table "Shop".organizations (id bigint generated always as identity primary key, slug text not null unique);
  create table "Shop"."Order" (id bigserial primary key, org_id bigint not null default 1 references "Shop".organizations (id), number text not null unique);
  create table "Shop".order_lines (id bigint generated always as identity primary key, "order id" bigint not null references "Shop"."Order" (id), total numeric not null);
  create table "Shop".events (id bigint generated always as identity, org_id bigint not null references "Shop".organizations (id), at date not null, primary key (id, at)) partition by range (at);
  create table "Shop".events_2026 partition of "Shop".events for values from ('2026-01-01') to ('2027-01-01');
  insert into "Shop".organizations (slug) values ('a'), ('b');
  insert into "Shop"."Order" (org_id, number) values (1, 'n1'), (2, 'n2');
  insert into "Shop".order_lines ("order id", total) select id, 10 from "Shop"."Order";
  grant select, insert, update, delete on "Shop"."Order", "Shop".order_lines, "Shop".events, "Shop".events_2026 to {app};
  grant select on "Shop".organizations to {app};
  grant usage on sequence "Shop"."Order_id_seq" to {app};`

/** Tenants named by text of several kinds; one policy of the user's own, wider than it should be. */
export const TEXT_SCHEMA = `
  create domain workspace_ref as varchar(40);
  create table notes (id uuid primary key default gen_random_uuid(), workspace text not null, body text not null);
  create table tags (id uuid primary key default gen_random_uuid(), workspace varchar(40) not null, name text not null);
  create table labels (id uuid primary key default gen_random_uuid(), workspace workspace_ref not null, name text not null);
  create table badges (id uuid primary key default gen_random_uuid(), workspace citext not null, name text not null);
  insert into notes (workspace, body) values ('alpha', 'a'), ('beta', 'b');
  alter table tags enable row level security;
  create policy everybody on tags using (true);
  grant select, insert, update, delete on notes, tags, labels, badges to {app};`
