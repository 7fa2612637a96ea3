/** Schemas with policies of their own, in shapes that a fix or a migration could damage. `{app}` is the login, `{owner}` owns the tables. */

const firm = `nullif(current_setting('app.firm', true), '')::int`
const person = `nullif(current_setting('app.person', true), '')::int`
const firms = `create table firms (id int primary key, label text); alter table firms owner to {owner};`
const papers = `create table papers (id int primary key, firm_id int not null references firms (id), body text, author int, gone_at timestamptz, is_public boolean not null default false);
  create index on papers (firm_id); alter table papers owner to {owner}; grant select, insert, update, delete on papers to {app};`
const on = (table: string) => `alter table ${table} enable row level security;`
const ofFirm = `firm_id = (select ${firm})`

/** What a hosted platform brings: claims of a token in one setting, functions that read them, a role for requests. */
const platform = `create schema auth; grant usage on schema auth to {requests};
  create table auth.users (id uuid primary key default gen_random_uuid(), email text);
  create function auth.uid() returns uuid language sql stable as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
  create function auth.jwt() returns jsonb language sql stable as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
  grant {requests} to {app}; grant usage on schema public to {requests};`

export const SCHEMAS: Readonly<Record<string, string>> = {
  'rows of one user inside a tenant, and a closed table': `${firms}
    create table diary (id int primary key, firm_id int not null references firms (id), doctor_id int not null, entry text);
    create table vault (id int primary key, firm_id int not null references firms (id), secret text);
    create index on diary (firm_id); create index on vault (firm_id);
    grant select, insert, update, delete on diary, vault to {app}; ${on('diary')} ${on('vault')}
    create policy own on diary for all to {app} using (firm_id = current_setting('app.firm')::int and doctor_id = current_setting('app.doctor')::int);`,
  'a tenant that edits its own entry': `create table customers (customer_id uuid primary key default gen_random_uuid(), label text);
    create table bills (id uuid primary key default gen_random_uuid(), customer_id uuid not null references customers (customer_id), total int);
    create index on bills (customer_id); grant select, insert, update, delete on customers, bills to {app}; ${on('customers')} ${on('bills')}
    create policy own on customers using (customer_id = current_setting('app.customer')::uuid);
    create policy own on bills using (customer_id = current_setting('app.customer')::uuid);`,
  'a hosted platform, rows of a user': `${platform}
    create table jots (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), body text);
    create index on jots (owner_id); ${on('jots')} grant select, insert, update, delete on jots to {requests};
    create policy mine on jots for all to {requests} using (auth.uid() = owner_id) with check (auth.uid() = owner_id);`,
  'a hosted platform, the tenant in a claim': `${platform}
    create table orgs (id uuid primary key default gen_random_uuid(), label text);
    create table notes (id uuid primary key default gen_random_uuid(), org_id uuid not null references orgs (id), body text);
    create index on notes (org_id); ${on('orgs')} ${on('notes')} grant select, insert, update, delete on notes to {requests}; grant select on orgs to {requests};
    create policy mine on notes for all to {requests} using (org_id = (auth.jwt() -> 'app_metadata' ->> 'org')::uuid);
    create policy mine on orgs for select to {requests} using (id = (auth.jwt() -> 'app_metadata' ->> 'org')::uuid);`,
  'a hosted platform, members by a definer helper': `${platform}
    create table teams (id uuid primary key default gen_random_uuid(), label text);
    create table members (team_id uuid not null references teams (id), user_id uuid not null references auth.users (id), primary key (team_id, user_id));
    create table tasks (id uuid primary key default gen_random_uuid(), team_id uuid not null references teams (id), body text);
    alter table members owner to {owner}; alter table tasks owner to {owner}; create index on tasks (team_id);
    create function my_teams() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select team_id from public.members where user_id = auth.uid() $$;
    alter function my_teams() owner to {owner}; grant usage on schema auth to {owner};
    ${on('teams')} ${on('members')} ${on('tasks')} grant select on teams, members to {requests}; grant select, insert, update, delete on tasks to {requests};
    create policy s on teams for select to {requests} using (id in (select my_teams()));
    create policy s on members for select to {requests} using (team_id in (select my_teams()));
    create policy a on tasks for all to {requests} using (team_id in (select my_teams()));`,
  'a hosted platform, one table forgotten': `${platform}
    create table teams (id uuid primary key default gen_random_uuid(), label text);
    create table members (team_id uuid not null references teams (id), user_id uuid not null references auth.users (id), primary key (team_id, user_id));
    create table tasks (id uuid primary key default gen_random_uuid(), team_id uuid not null references teams (id), body text);
    create table files (id uuid primary key default gen_random_uuid(), team_id uuid not null references teams (id), name text);
    create index on tasks (team_id); create index on files (team_id); ${on('members')} ${on('tasks')}
    grant select on teams, members to {requests}; grant select, insert, update, delete on tasks, files to {requests};
    create policy s on members for select to {requests} using (user_id = auth.uid());
    create policy a on tasks for all to {requests} using (team_id in (select team_id from members where user_id = auth.uid()));`,
  'a hosted platform, children without a tenant': `${platform}
    create table teams (id uuid primary key default gen_random_uuid(), label text);
    create table members (team_id uuid not null references teams (id), user_id uuid not null references auth.users (id), primary key (team_id, user_id));
    create table tasks (id uuid primary key default gen_random_uuid(), team_id uuid not null references teams (id), body text);
    create table steps (id uuid primary key default gen_random_uuid(), task_id uuid not null references tasks (id), body text);
    create index on tasks (team_id); create index on steps (task_id); ${on('members')} ${on('tasks')}
    grant select on teams, members to {requests}; grant select, insert, update, delete on tasks, steps to {requests};
    create policy s on members for select to {requests} using (user_id = auth.uid());
    create policy a on tasks for all to {requests} using (team_id in (select team_id from members where user_id = auth.uid()));`,
  'authors write, the firm reads': `${firms}${papers}${on('papers')}
    create policy r on papers for select using (${ofFirm});
    create policy i on papers for insert with check (${ofFirm} and author = ${person});
    create policy u on papers for update using (${ofFirm} and author = ${person});
    create policy d on papers for delete using (${ofFirm} and author = ${person});`,
  'soft delete': `${firms}${papers}${on('papers')}
    create policy r on papers for select using (${ofFirm} and gone_at is null);
    create policy w on papers for update using (${ofFirm}); create policy i on papers for insert with check (${ofFirm});`,
  'public rows beside those of the firm': `${firms}${papers}${on('papers')}
    create policy r on papers for select using (is_public or ${ofFirm});
    create policy i on papers for insert with check (${ofFirm}); create policy u on papers for update using (${ofFirm}); create policy d on papers for delete using (${ofFirm});`,
  'templates without a firm': `${firms}
    create table layouts (id int primary key, firm_id int references firms (id), body text); create index on layouts (firm_id); alter table layouts owner to {owner};
    grant select, insert, update, delete on layouts to {app}; ${on('layouts')}
    create policy r on layouts for select using (firm_id is null or ${ofFirm}); create policy w on layouts for insert with check (${ofFirm}); create policy u on layouts for update using (${ofFirm});`,
  'a list of prices that everybody reads': `${firms}
    create table prices (id int primary key, firm_id int not null references firms (id), amount int); create index on prices (firm_id); alter table prices owner to {owner};
    grant select, insert, update, delete on prices to {app}; ${on('prices')}
    create policy r on prices for select using (true); create policy i on prices for insert with check (${ofFirm}); create policy u on prices for update using (${ofFirm});`,
  'a fail-open policy': `${firms}${papers}${on('papers')}
    create policy a on papers using (${firm} is null or ${ofFirm});`,
  'a view of the owner': `${firms}${papers}${on('papers')} create policy a on papers using (${ofFirm});
    create view titles as select id, firm_id, body from papers where ${ofFirm}; alter view titles owner to {owner}; grant select on titles to {app};`,
  'a view of the owner on open tables': `${firms}${papers}
    create view titles as select id, firm_id, body from papers; alter view titles owner to {owner}; grant select on titles to {app};`,
  'a job of the owner': `${firms}${papers}${on('papers')} create policy a on papers to {app} using (${ofFirm});
    create function clean_up() returns bigint language sql security definer set search_path = pg_catalog, pg_temp as $$ with gone as (delete from public.papers where gone_at < now() returning 1) select count(*) from gone $$;
    alter function clean_up() owner to {owner}; revoke execute on function clean_up() from public;`,
  'a log-in that looks up an account': `${firms}
    create table accounts (id int primary key, firm_id int not null references firms (id), email text not null, hash text); create index on accounts (firm_id); alter table accounts owner to {owner};
    grant select, insert, update, delete on accounts to {app};
    create function account_of(address text) returns int language sql security definer stable set search_path = pg_catalog, pg_temp as $$ select id from public.accounts where email = address $$;
    alter function account_of(text) owner to {owner};`,
  'policies that sleep': `${firms}${papers} create policy own on papers using (${ofFirm} and author = ${person}); create policy open on papers for select using (true);`,
  'restrictive policies that sleep': `${firms}${papers} create policy kept on papers as restrictive using (gone_at is null);`,
  'one that only appends': `${firms}
    create table log (id int primary key, firm_id int not null references firms (id), line text); create index on log (firm_id); alter table log owner to {owner};
    grant select, insert, update, delete on log to {app}; ${on('log')} create policy i on log for insert with check (${ofFirm});`,
  'one that only reads': `${firms}${papers}${on('papers')} create policy r on papers for select using (${ofFirm});`,
  'staff that sees all': `${firms}${papers}${on('papers')} grant select, update on papers to {staff};
    create policy a on papers to {app} using (${ofFirm}); create policy s on papers to {staff} using (true);`,
  'people and machines': `${firms}
    create table readings (id int primary key, firm_id int not null references firms (id), device int, value int); create index on readings (firm_id); alter table readings owner to {owner};
    grant {machine} to {app}; grant select on readings to {app}; grant select, insert on readings to {machine}; ${on('readings')}
    create policy people on readings to {app} using (${ofFirm});
    create policy machines on readings to {machine} using (device = nullif(current_setting('app.device', true), '')::int) with check (device = nullif(current_setting('app.device', true), '')::int);`,
  'rights by PUBLIC': `${firms} create table papers (id int primary key, firm_id int not null references firms (id), body text); create index on papers (firm_id); alter table papers owner to {owner};
    grant select, insert, update on papers to public;`,
  'a partitioned table': `${firms}
    create table events (id int, firm_id int not null references firms (id), at date not null, primary key (id, at)) partition by range (at); alter table events owner to {owner};
    create table events_26 partition of events for values from ('2026-01-01') to ('2100-01-01'); alter table events_26 owner to {owner}; create index on events (firm_id);
    grant select, insert, update, delete on events to {app}; ${on('events')} create policy a on events using (${ofFirm});`,
  'children that ask their parent': `${firms}${papers}${on('papers')} create policy a on papers using (${ofFirm});
    create table lines (id int primary key, paper_id int not null references papers (id), body text); create index on lines (paper_id); alter table lines owner to {owner};
    grant select, insert, update, delete on lines to {app}; ${on('lines')} create policy a on lines using (exists (select from papers p where p.id = paper_id));`,
  'numbers as keys, a uuid in the claim': `${platform}
    create table shops (id bigint primary key, label text); create table clerks (user_id uuid not null references auth.users (id), shop_id bigint not null references shops (id), primary key (user_id, shop_id));
    create table sales (id bigint primary key, shop_id bigint not null references shops (id), total int); create index on sales (shop_id);
    ${on('clerks')} ${on('sales')} grant select on clerks, shops to {requests}; grant select, insert, update, delete on sales to {requests};
    create policy me on clerks for select to {requests} using (user_id = auth.uid());
    create policy a on sales for all to {requests} using (shop_id in (select shop_id from clerks where user_id = auth.uid()));`,
  'tables that nothing protects': `${firms}${papers} grant select, insert, update on firms to {app};
    create table lines (id int primary key, paper_id int not null references papers (id), body text); alter table lines owner to {owner}; grant select, insert, update, delete on lines to {app};`,
}
