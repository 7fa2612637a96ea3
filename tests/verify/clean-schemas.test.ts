import { describe, expect, it } from 'vitest'
import { withCase } from './rule-case.ts'

// Schemas in styles that real applications use, all of which hold: every verb of every table is proved, nothing is reported.
const SCHEMAS: Readonly<Record<string, string>> = {
  'membership by user, settings coalesced': `
    create schema auth;
    create function auth.uid() returns uuid language sql stable as $$ select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
    create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null, created_at timestamptz default now());
    create table public.profiles (id uuid primary key, full_name text);
    create table public.memberships (org_id uuid not null references organizations(id) on delete cascade, user_id uuid not null references profiles(id), role text not null default 'member' check (role in ('owner','member')), primary key (org_id,user_id));
    create table public.projects (id uuid primary key default gen_random_uuid(), org_id uuid not null references organizations(id), name text not null, unique (org_id, id));
    create table public.tasks (id uuid primary key default gen_random_uuid(), org_id uuid not null, project_id uuid not null, title text, foreign key (org_id, project_id) references projects(org_id,id));
    create function public.my_orgs() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select org_id from public.memberships where user_id = auth.uid() $$;
    alter table organizations enable row level security; alter table memberships enable row level security; alter table projects enable row level security; alter table tasks enable row level security; alter table profiles enable row level security;
    alter table organizations force row level security; alter table projects force row level security; alter table tasks force row level security;
    create policy p on organizations for select using (id in (select public.my_orgs()));
    create policy p on memberships for select using (org_id in (select public.my_orgs()));
    create policy p on profiles using (id = auth.uid());
    create policy p on projects using (org_id in (select public.my_orgs())) with check (org_id in (select public.my_orgs()));
    create policy p on tasks using (exists (select 1 from memberships m where m.org_id = tasks.org_id and m.user_id = auth.uid()));
    grant usage on schema auth to {app}; grant select on organizations, memberships, profiles to {app}; grant select, insert, update, delete on projects, tasks to {app};`,
  'bigint accounts in a schema of their own, plpgsql helper': `
    create schema app authorization {owner}; set role {owner};
    create table app.accounts (id bigint generated always as identity primary key, slug text not null unique, plan text not null default 'free');
    create table app.users (id bigint generated always as identity, account_id bigint not null references app.accounts(id), email text not null, primary key (account_id,id), unique(account_id,email));
    create table app.invoices (id bigint generated always as identity, account_id bigint not null references app.accounts(id), user_id bigint, total numeric(10,2) not null check (total >= 0), status text not null default 'draft' check (status in ('draft','sent','paid')), primary key (account_id,id), foreign key (account_id,user_id) references app.users(account_id,id));
    create table app.invoice_lines (account_id bigint not null, invoice_id bigint not null, line int not null, description text, primary key (account_id,invoice_id,line), foreign key (account_id,invoice_id) references app.invoices(account_id,id));
    create table app.countries (code char(2) primary key, name text not null);
    create function app.current_account() returns bigint language plpgsql stable set search_path = pg_catalog, pg_temp as $$ declare v text := current_setting('app.account_id', true); begin if v is null or v = '' then return null; end if; return v::bigint; end $$;
    do $$ declare t text; begin foreach t in array array['users','invoices','invoice_lines'] loop execute format('alter table app.%I enable row level security', t); execute format('alter table app.%I force row level security', t); execute format('create policy iso on app.%I using (account_id = (select app.current_account())) with check (account_id = (select app.current_account()))', t); execute format('grant select,insert,update,delete on app.%I to {app}', t); end loop; end $$;
    alter table app.accounts enable row level security; alter table app.accounts force row level security; create policy iso on app.accounts for select using (id = (select app.current_account())); grant select on app.accounts to {app};
    grant usage on schema app to {app}; grant select on app.countries to {app}; reset role;`,
  'citext keys in JSON claims': `
    create extension citext;
    create table workspaces (key citext primary key, title text);
    create table boards (id serial, workspace citext not null references workspaces(key), title text not null, primary key (workspace,id));
    create table cards (id serial, workspace citext not null, board_id int not null, body jsonb not null default '{}', tags text[], primary key(workspace,id), foreign key (workspace,board_id) references boards(workspace,id));
    alter table workspaces owner to {owner}; alter table boards owner to {owner}; alter table cards owner to {owner};
    alter table workspaces enable row level security; alter table boards enable row level security; alter table cards enable row level security;
    alter table workspaces force row level security; alter table boards force row level security; alter table cards force row level security;
    create policy a on workspaces for select to {app} using (key = (nullif(current_setting('request.jwt.claims', true),'')::json->>'workspace')::citext);
    create policy a on boards to {app} using (workspace = (select (nullif(current_setting('request.jwt.claims', true),'')::json->>'workspace'))::citext);
    create policy a on cards to {app} using (workspace = (select (nullif(current_setting('request.jwt.claims', true),'')::json->>'workspace'))::citext);
    grant select on workspaces to {app}; grant select,insert,update,delete on boards, cards to {app}; grant usage on sequence boards_id_seq, cards_id_seq to {app};
    create view open_cards with (security_invoker = true) as select * from cards where body->>'done' is null; alter view open_cards owner to {owner}; grant select on open_cards to {app};`,
  'a session token that leads to the tenant': `
    create table companies (id uuid primary key default gen_random_uuid(), name text not null);
    create table users (id uuid primary key default gen_random_uuid(), company_id uuid not null references companies(id), email text not null);
    create table sessions (token text primary key, user_id uuid not null references users(id), expires_at timestamptz not null default now() + interval '1 day');
    create table contracts (id uuid primary key default gen_random_uuid(), company_id uuid not null references companies(id), body text);
    alter table companies owner to {owner}; alter table users owner to {owner}; alter table sessions owner to {owner}; alter table contracts owner to {owner};
    create function current_company() returns uuid language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select u.company_id from public.sessions s join public.users u on u.id = s.user_id where s.token = current_setting('app.session', true) and s.expires_at > now() $$;
    alter table companies enable row level security; alter table users enable row level security; alter table contracts enable row level security; alter table sessions enable row level security; alter table sessions force row level security;
    alter table companies force row level security; alter table contracts force row level security;
    create policy c on companies for select using (id = current_company());
    create policy c on users for select using (company_id = current_company());
    create policy c on contracts using (company_id = (select current_company()));
    grant select on companies, users to {app}; grant select,insert,update,delete on contracts to {app};`,
  'closed tables behind barrier views and definer functions, no policy at all': `
    create schema internal; create schema api;
    create table internal.customers (tid int primary key, name text);
    create table internal.tickets (tid int not null references internal.customers, no int not null, subject text not null, primary key (tid, no));
    alter table internal.customers enable row level security; alter table internal.tickets enable row level security;
    create function api.tid() returns int language plpgsql stable set search_path = pg_catalog as $$ declare v text := current_setting('portal.tid', true); begin if coalesce(v, '') = '' then raise exception 'no customer'; end if; return v::int; end $$;
    create view api.tickets with (security_barrier = true) as select no, subject from internal.tickets where tid = (select nullif(current_setting('portal.tid', true), '')::int);
    create function api.subjects() returns setof text language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select t.subject from internal.tickets t where t.tid = api.tid() $$;
    create function api.add(no int, subject text) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$ declare mine int := nullif(current_setting('portal.tid', true), '')::int; begin if mine is null then raise exception 'no customer'; end if; insert into internal.tickets (tid, no, subject) values (mine, add.no, add.subject); end $$;
    revoke execute on all functions in schema api from public; grant execute on all functions in schema api to {app};
    grant usage on schema api to {app}; grant select on api.tickets to {app};`,
  'tenants that are users, in one table': `
    create table notes (id uuid not null default gen_random_uuid(), user_id text not null default current_setting('request.user', true), body text, primary key (user_id, id));
    create table tags (user_id text not null default current_setting('request.user', true), tag text not null, primary key (user_id, tag));
    alter table notes enable row level security; alter table notes force row level security; create policy mine on notes using (user_id = (select current_setting('request.user', true)));
    alter table tags enable row level security; alter table tags force row level security; create policy mine on tags using (user_id = (select current_setting('request.user', true)));
    grant select, insert, update, delete on notes, tags to {app};`,
  'domain, partitions, a login that sets its role': `
    grant {rw} to {app} with inherit false, set true;
    create domain tenant_ref as uuid not null;
    create table tenant (tenant_id uuid primary key, name varchar(80) not null check (length(name) > 2));
    create table readings (tenant_id tenant_ref, at timestamptz not null, value double precision, primary key (tenant_id, at)) partition by hash (tenant_id);
    create table readings_0 partition of readings for values with (modulus 2, remainder 0); create table readings_1 partition of readings for values with (modulus 2, remainder 1);
    create table devices (tenant_id tenant_ref references tenant(tenant_id), id uuid not null default gen_random_uuid(), kind text not null, serial text not null check (serial ~ '^[A-Z]{2}-[0-9]{4}$'), primary key (tenant_id,id), unique (tenant_id, serial));
    alter table tenant owner to {owner}; alter table readings owner to {owner}; alter table readings_0 owner to {owner}; alter table readings_1 owner to {owner}; alter table devices owner to {owner};
    create function set_tenant() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$ begin if new.tenant_id is null then new.tenant_id := nullif(current_setting('my.tenant', true), '')::uuid; end if; if new.tenant_id is distinct from nullif(current_setting('my.tenant', true), '')::uuid then raise exception 'wrong tenant'; end if; return new; end $$;
    create trigger t before insert or update on devices for each row execute function set_tenant();
    alter table tenant enable row level security; alter table tenant force row level security; alter table readings enable row level security; alter table readings force row level security; alter table devices enable row level security; alter table devices force row level security;
    create policy x on tenant for select to {rw} using (tenant_id = (select nullif(current_setting('my.tenant', true), '')::uuid));
    create policy x on readings to {rw} using (tenant_id = (select nullif(current_setting('my.tenant', true), '')::uuid));
    create policy x on devices to {rw} using (tenant_id = (select nullif(current_setting('my.tenant', true), '')::uuid));
    grant select on tenant to {rw}; grant select,insert on readings to {rw}; grant select,insert,update,delete on devices to {rw};`,
  'restrictive walls, children through parents': `
    create table teams (id int primary key generated by default as identity, name text not null);
    create table posts (id int primary key generated by default as identity, team_id int not null references teams(id), title text not null, published boolean not null default false);
    create table comments (id int primary key generated by default as identity, post_id int not null references posts(id) on delete cascade, body text not null);
    create table reactions (comment_id int not null references comments(id) on delete cascade, emoji text not null, primary key (comment_id, emoji));
    alter table teams owner to {owner}; alter table posts owner to {owner}; alter table comments owner to {owner}; alter table reactions owner to {owner};
    do $$ declare t text; begin foreach t in array array['teams','posts','comments','reactions'] loop execute format('alter table %I enable row level security', t); execute format('alter table %I force row level security', t); execute format('create policy everyone on %I using (true) with check (true)', t); execute format('grant select on %I to {app}', t); end loop; end $$;
    grant insert,update,delete on posts, comments, reactions to {app};
    create policy wall on teams as restrictive using (id = (select nullif(current_setting('app.team', true), '')::int));
    create policy wall on posts as restrictive using (team_id = (select nullif(current_setting('app.team', true), '')::int));
    create policy wall on comments as restrictive using (exists (select from posts where posts.id = comments.post_id and posts.team_id = (select nullif(current_setting('app.team', true), '')::int)));
    create policy wall on reactions as restrictive using (comment_id in (select c.id from comments c));`,
  'camelCase names and text ids': `
    create table "Organization" ("id" text primary key default gen_random_uuid()::text, "name" text not null);
    create table "User" ("id" text primary key default gen_random_uuid()::text, "organizationId" text not null references "Organization"("id"), "email" text not null, unique ("organizationId","email"));
    create table "Document" ("id" text primary key default gen_random_uuid()::text, "organizationId" text not null references "Organization"("id"), "title" text not null, "authorId" text, "createdAt" timestamp(3) not null default current_timestamp);
    create table "_prisma_migrations" (id varchar(36) primary key, checksum varchar(64) not null, logs text);
    alter table "Organization" owner to {owner}; alter table "User" owner to {owner}; alter table "Document" owner to {owner}; alter table "_prisma_migrations" owner to {owner};
    create function is_own("org" text) returns boolean language sql stable as $$ select "org" = current_setting('app.current_org', true) $$; alter function is_own owner to {owner};
    alter table "Organization" enable row level security; alter table "Organization" force row level security; alter table "User" enable row level security; alter table "User" force row level security; alter table "Document" enable row level security; alter table "Document" force row level security;
    create policy o on "Organization" for select using (is_own(id)); create policy o on "User" using (is_own("organizationId")); create policy o on "Document" using (is_own("organizationId")) with check (is_own("organizationId") and "title" <> '');
    grant select on "Organization" to {app}; grant select,insert,update,delete on "User","Document" to {app};`,
}

describe('schemas that hold', () => {
  for (const [name, sql] of Object.entries(SCHEMAS)) {
    it(`proves, and reports nothing on: ${name}`, async () => {
      await withCase([sql], async (verify) => {
        const report = await verify()
        const loud = report.findings.filter((finding) => finding.severity !== 'info' && finding.severity !== 'low')
        expect(loud).toEqual([])
        expect(report.summary.internalErrors).toEqual([])
        const unproved = report.tables.filter((table) =>
          Object.values(table.verbs).some((verdict) => verdict !== 'proved' && verdict !== 'no-access'),
        )
        expect(unproved).toEqual([])
        expect(report.summary.counts.tablesPlanted).toBeGreaterThan(1)
      })
    })
  }
})
