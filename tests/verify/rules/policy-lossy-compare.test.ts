import { ruleCase } from '../rule-case.ts'

ruleCase('policy-lossy-compare', {
  object: 'public.notes',
  severity: 'high',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id::text like current_setting('app.tenant_id', true));`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'a cast to text loses nothing': `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id::text = current_setting('app.tenant_id', true));`,
    'a cast to the length that tenants have': `create table shops (code char(2) primary key); create table stock (id int primary key, shop char(2) not null references shops);
      alter table shops owner to {owner}; alter table stock owner to {owner}; drop table documents; drop table tenants;
      alter table shops enable row level security, force row level security; alter table stock enable row level security, force row level security;
      grant select on shops to {app}; grant select, insert, update, delete on stock to {app};
      create policy p on shops for select using (code = current_setting('app.shop', true)::char(2));
      create policy p on stock using (shop = current_setting('app.shop', true)::char(2));`,
  },
})
