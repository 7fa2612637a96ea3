import { ruleCase } from '../rule-case.ts'

ruleCase('trigger-overwrites-tenant', {
  object: 'public.replies',
  severity: 'high',
  proof: 'static',
  fixMends: false,
  hole: `create table replies (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), document_id uuid not null, body text); alter table replies enable row level security, force row level security; create policy r on replies for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy w on replies for insert with check (true); grant select, insert on replies to {app}; create function take_tenant() returns trigger language plpgsql as $$ begin select d.tenant_id into new.tenant_id from public.documents d where d.id = new.document_id; return new; end $$; create trigger take_tenant before insert on replies for each row execute function take_tenant();`,
  repaired: `create table replies (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), document_id uuid not null, body text); alter table replies enable row level security, force row level security; create policy r on replies for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy w on replies for insert with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on replies to {app}; create function take_tenant() returns trigger language plpgsql as $$ begin select d.tenant_id into new.tenant_id from public.documents d where d.id = new.document_id; return new; end $$; create trigger take_tenant before insert on replies for each row execute function take_tenant();`,
  nearMisses: {
    'the trigger takes it from the context': `create table replies (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), document_id uuid not null, body text); alter table replies enable row level security, force row level security; create policy r on replies for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); create policy w on replies for insert with check (true); grant select, insert on replies to {app}; create function take_tenant() returns trigger language plpgsql as $$ begin new.tenant_id := nullif(current_setting('app.tenant_id', true), '')::uuid; return new; end $$; create trigger take_tenant before insert on replies for each row execute function take_tenant();`,
  },
})

const REPLIES = `create table replies (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), document_id uuid not null, body text); alter table replies enable row level security, force row level security; create policy r on replies for select using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)); grant select, insert on replies to {app}; create function take_tenant() returns trigger language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$ begin select d.tenant_id into new.tenant_id from public.documents d where d.id = new.document_id; return new; end $$; create trigger take_tenant before insert on replies for each row execute function take_tenant();`

ruleCase('trigger-overwrites-tenant', {
  name: 'a definer trigger finds the parent of any tenant',
  object: 'public.replies',
  severity: 'high',
  fixMends: false,
  hole: `${REPLIES} create policy w on replies for insert with check (true);`,
  repaired: `${REPLIES} create policy w on replies for insert with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {},
})
