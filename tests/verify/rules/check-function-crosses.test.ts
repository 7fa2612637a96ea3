import { ruleCase } from '../rule-case.ts'

ruleCase('check-function-crosses', {
  object: 'public.documents',
  severity: 'medium',
  hole: `create function title_taken(t text) returns boolean language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select exists (select 1 from public.documents where title = t) $$; alter table documents add constraint free_title check (not title_taken(title)); revoke execute on function title_taken(text) from public; grant execute on function title_taken(text) to {app};`,
  repaired: `create function title_taken(t text) returns boolean language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select exists (select 1 from public.documents where title = t and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) $$; alter table documents add constraint free_title check (not title_taken(title)); revoke execute on function title_taken(text) from public; grant execute on function title_taken(text) to {app};`,
  nearMisses: {
    'it looks at the row alone': `alter table documents add constraint has_title check (title <> '');`,
  },
})

const TAKEN = (more: string) =>
  `create function title_taken(t text) returns boolean language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select exists (select 1 from public.documents where title = t) $$; alter table documents add constraint free_title check (not title_taken(title)); revoke execute on function title_taken(text) from public; revoke insert, update on documents from {app}; ${more}`
const ADDS = `create function add_document(t text) returns void language sql security definer set search_path = pg_catalog, public, pg_temp as $$ insert into public.documents (tenant_id, title) values (nullif(current_setting('app.tenant_id', true), '')::uuid, t) $$; revoke execute on function add_document(text) from public;`

ruleCase('check-function-crosses', {
  name: 'the app writes by a function of the owner',
  object: 'public.documents',
  severity: 'medium',
  proof: 'static',
  hole: TAKEN(`${ADDS} grant execute on function add_document(text) to {app};`),
  repaired: TAKEN(`${ADDS} alter table documents drop constraint free_title;`),
  nearMisses: {
    'the app may neither insert nor update': TAKEN(''),
    'the app may not call the function that writes': TAKEN(ADDS),
  },
})

const PARTS = (
  grants: string,
) => `create function kind_taken(k text) returns boolean language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select exists (select 1 from public.documents where title = k) $$; revoke execute on function kind_taken(text) from public;
  create table events (tenant_id uuid not null references tenants (id), kind text not null) partition by list (kind); create table events_a partition of events (check (not kind_taken(kind))) for values in ('a');
  alter table events owner to {owner}; alter table events_a owner to {owner}; alter table events enable row level security, force row level security; create policy own on events using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); ${grants}`

ruleCase('check-function-crosses', {
  name: 'rows come in through the parent of a partition',
  object: 'public.events_a',
  severity: 'medium',
  proof: 'static',
  hole: PARTS('grant select, insert on events to {app};'),
  repaired: PARTS('grant select on events to {app};'),
  nearMisses: {},
})
