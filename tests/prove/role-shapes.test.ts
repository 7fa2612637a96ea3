import { type Shape, shapes, TEXT_KEYS } from './shapes.ts'

const OWN = 'create policy p on {t} using (tenant_id = {CTX})'

const leaking: Readonly<Record<string, Shape>> = {
  'a policy of a role that the app can grant itself': {
    setup: 'grant {staff} to {app} with admin true, inherit false, set false; grant select on {t} to {staff}',
    policy: `${OWN}; create policy wide on {t} to {staff} using (true)`,
    attack: 'grant {staff} to {app} with set true; reset role; set local role {staff}',
  },
  'a policy of a role two grants away': {
    setup: `grant {lead} to {app} with admin false, inherit false, set true; grant {chief} to {lead} with admin true, inherit false, set false;
      grant select on {t} to {chief}`,
    policy: `${OWN}; create policy wide on {t} to {chief} using (true)`,
    attack:
      'reset role; set local role {lead}; grant {chief} to {lead} with set true; reset role; set local role {chief}',
  },
  'the login behind SET ROLE': {
    setup: 'alter role {gate} login; grant {app} to {gate}',
    policy: `create policy p on {t} using (tenant_id = {CTX} or session_user = '{gate}')`,
    attack: 'reset role; set local session authorization {gate}; set local role {app}',
  },
  'a table that its reader owns': {
    setup: 'alter table {t} owner to {app}',
    policy: OWN,
    attack: 'alter table {t} disable row level security',
  },
  'a table whose owner the app can become': {
    setup:
      'grant {holder} to {app} with inherit false, set true; alter table {t} owner to {holder}; grant select on {t} to {app}',
    policy: OWN,
    attack:
      'reset role; set local role {holder}; alter table {t} disable row level security; reset role; set local role {app}',
  },
  'a row moved by the column that its tenant is computed from': {
    setup: `create table {t}g (id int primary key, path text not null, tenant_id text generated always as (split_part(path, '/', 1)) stored);
      insert into {t}g values (1, 'acme/1'), (2, 'bolt/2'); alter table {t}g owner to {owner};
      alter table {t}g enable row level security, force row level security; grant select, update (path) on {t}g to {app}`,
    policy: 'create policy p on {t}g using (tenant_id = {CTX}) with check (true)',
    attack: `update {t}g set path = 'bolt/x'; reset role`,
    look: `select count(*)::int as crossed from {t}g where path = 'bolt/x'`,
    verb: 'update',
    table: 'public.{t}g',
  },
  'a row moved by a trigger that answers another': {
    setup: `create function app.{t}move () returns trigger language plpgsql as $$ declare r {t}; begin r := new; r.tenant_id := 'bolt'; return r; end $$;
      create trigger move before update on {t} for each row execute function app.{t}move(); grant update (title) on {t} to {app}`,
    policy: 'create policy p on {t} using (tenant_id = {CTX}) with check (true)',
    attack: `update {t} set title = 'moved'; reset role`,
    look: `select count(*)::int as crossed from {t} where tenant_id = 'bolt' and title = 'moved'`,
    verb: 'update',
  },
  'a row moved by a trigger that reads it anew': {
    setup: `create function app.{t}move () returns trigger language plpgsql as $$ begin
        for new in select new.id, 'bolt', new.title, new.visibility, new.rank, new.meta loop end loop; return new; end $$;
      create trigger move before update on {t} for each row execute function app.{t}move(); grant update (title) on {t} to {app}`,
    policy: 'create policy p on {t} using (tenant_id = {CTX}) with check (true)',
    attack: `update {t} set title = 'moved'; reset role`,
    look: `select count(*)::int as crossed from {t} where tenant_id = 'bolt' and title = 'moved'`,
    verb: 'update',
  },
  'a child of a parent that is not there': {
    setup: `create table {t}p (id int primary key, tenant_id text not null references tenants (id)); insert into {t}p values (1, 'acme');
      alter table {t}p owner to {owner}; alter table {t}p enable row level security, force row level security;
      create policy own on {t}p using (tenant_id = {CTX}); grant select, insert on {t}p to {app};
      create table {t}c (id int primary key, p int not null); insert into {t}c values (1, 1), (2, 99);
      alter table {t}c add foreign key (p) references {t}p (id) not enforced; alter table {t}c owner to {owner};
      alter table {t}c enable row level security, force row level security; grant select on {t}c to {app}`,
    policy: 'create policy p on {t}c using (exists (select from {t}p p where p.id = {t}c.p))',
    attack: `insert into {t}p values (99, 'acme')`,
    look: `select count(*)::int as crossed from {t}c where p = 99`,
    table: 'public.{t}c',
  },
  'a helper that the app owns': {
    setup: `create schema {t}s; grant usage, create on schema {t}s to {app};
      create function {t}s.f (org text) returns boolean language sql stable set search_path = pg_catalog as $$ select org = {CTX} $$;
      alter function {t}s.f owner to {app}`,
    policy: 'create policy p on {t} using ({t}s.f(tenant_id))',
    attack: `create or replace function {t}s.f (org text) returns boolean language sql stable as 'select true'`,
  },
  'a helper that takes the caller’s functions': {
    setup: `create schema {t}s; grant usage, create on schema {t}s to {app};
      create function app.{t}f (org text) returns boolean language sql stable as $$ select org = current_setting('app.tenant_id', true) $$`,
    policy: 'create policy p on {t} using (app.{t}f(tenant_id))',
    attack: `create function {t}s.current_setting (text, boolean) returns text language sql as $$ select 'bolt'::text $$;
      set local search_path = {t}s, pg_catalog, public`,
  },
  'a helper that takes the caller’s temporary table': {
    setup: `create table {t}l (tenant_id text not null); alter table {t}l enable row level security, force row level security;
      alter table {t}l owner to {owner}; create policy own on {t}l using (tenant_id = {CTX}); grant select, insert on {t}l to {app};
      create function app.{t}f (org text) returns boolean language sql stable as $$ select exists (select from {t}l l where l.tenant_id = org) $$;
      grant insert on {t} to {app}`,
    policy: 'create policy p on {t} using (app.{t}f(tenant_id))',
    attack: `create temporary table {t}l (tenant_id text); insert into {t}l values ('bolt'); insert into {t} (tenant_id, title) values ('bolt', 'planted')`,
    look: `select count(*)::int as crossed from {t} where title = 'planted'`,
    verb: 'insert',
  },
}

const holding: Readonly<Record<string, Shape>> = {
  'a policy of a role that the app can’t become': {
    setup: 'grant select on {t} to {auditor}',
    policy: `${OWN}; create policy wide on {t} to {auditor} using (true)`,
  },
  'a permissive and a restrictive policy': {
    policy: `create policy wide on {t} using (true); create policy own on {t} as restrictive using (tenant_id = {CTX})`,
  },
  'an update that may not move': {
    setup: 'grant update (title) on {t} to {app}',
    policy: 'create policy p on {t} using (tenant_id = {CTX}) with check (true)',
    verb: 'update',
  },
  'a trigger that stamps': {
    setup: `create function app.{t}stamp () returns trigger language plpgsql as $$ begin new.title := upper(new.title); return new; end $$;
      create trigger stamp before update on {t} for each row execute function app.{t}stamp(); grant update (title) on {t} to {app}`,
    policy: 'create policy p on {t} using (tenant_id = {CTX}) with check (true)',
    verb: 'update',
  },
}

shapes('who can act', TEXT_KEYS, { leaking, holding })
