import { ruleCase } from '../rule-case.ts'

ruleCase('trigger-definer-crosses', {
  object: 'public.count_posts()',
  severity: 'high',
  hole: `create table posts (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), document_id uuid not null, body text); alter table documents add column posts integer not null default 0; alter table posts enable row level security, force row level security; create policy own on posts using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on posts to {app}; create function count_posts() returns trigger language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$ begin update public.documents set posts = posts + 1 where id = new.document_id; return new; end $$; create trigger count_posts after insert on posts for each row execute function count_posts();`,
  repaired: `create table posts (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), document_id uuid not null, body text); alter table documents add column posts integer not null default 0; alter table posts enable row level security, force row level security; create policy own on posts using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on posts to {app}; create function count_posts() returns trigger language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$ begin update public.documents set posts = posts + 1 where id = new.document_id and tenant_id = new.tenant_id; return new; end $$; create trigger count_posts after insert on posts for each row execute function count_posts();`,
  nearMisses: {
    'it runs as the caller': `create table posts (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), document_id uuid not null, body text); alter table documents add column posts integer not null default 0; alter table posts enable row level security, force row level security; create policy own on posts using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on posts to {app}; create function count_posts() returns trigger language plpgsql security invoker set search_path = pg_catalog, public, pg_temp as $$ begin update public.documents set posts = posts + 1 where id = new.document_id; return new; end $$; create trigger count_posts after insert on posts for each row execute function count_posts();`,
  },
})

const COUNTS = (where: string, declare = '', from = '') =>
  `create table posts (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), document_id uuid not null, body text); alter table documents add column posts integer not null default 0; alter table posts enable row level security, force row level security; create policy own on posts using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on posts to {app}; create function count_posts() returns trigger language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$ ${declare} begin update public.documents d set posts = posts + 1 ${from} where ${where}; return new; end $$;`
const EACH_ROW = 'create trigger count_posts after insert on posts for each row execute function count_posts();'
const ALL_ROWS =
  'create trigger count_posts after insert on posts referencing new table as added for each statement execute function count_posts();'

ruleCase('trigger-definer-crosses', {
  name: 'the tenant is named and not compared',
  object: 'public.count_posts()',
  severity: 'high',
  hole: `${COUNTS('d.id = new.document_id and d.tenant_id is not null')} ${EACH_ROW}`,
  repaired: `${COUNTS('d.id = new.document_id and d.tenant_id = new.tenant_id')} ${EACH_ROW}`,
  nearMisses: {
    'as a pair': `${COUNTS('(d.tenant_id, d.id) = (new.tenant_id, new.document_id)')} ${EACH_ROW}`,
    'by a variable': `${COUNTS('d.id = new.document_id and d.tenant_id = mine', 'declare mine uuid := new.tenant_id;')} ${EACH_ROW}`,
    'by all rows of the statement': `${COUNTS('d.id = added.document_id and d.tenant_id = added.tenant_id', '', 'from added')} ${ALL_ROWS}`,
    'by a count of them': `${COUNTS('d.id = n.document_id and d.tenant_id = n.tenant_id', '', 'from (select tenant_id, document_id from added group by 1, 2) n')} ${ALL_ROWS}`,
  },
})

for (const [name, where] of Object.entries({
  'or something else holds': 'd.id = new.document_id and (d.tenant_id = new.tenant_id or d.posts >= 0)',
  'with itself': 'd.id = new.document_id and d.tenant_id = d.tenant_id',
  'with what the user gave': 'd.id = new.document_id and d.tenant_id <> new.id',
}))
  ruleCase('trigger-definer-crosses', {
    name: `the tenant is compared, ${name}`,
    object: 'public.count_posts()',
    severity: 'high',
    hole: `${COUNTS(where)} ${EACH_ROW}`,
    repaired: 'select 1',
    nearMisses: {},
  })
