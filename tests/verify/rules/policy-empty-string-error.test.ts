import { ruleCase } from '../rule-case.ts'

ruleCase('policy-empty-string-error', {
  object: 'public.notes',
  severity: 'low',
  hole: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select current_setting('app.tenant_id', true)::uuid));`,
  repaired: `create table notes (id uuid primary key default gen_random_uuid(), tenant_id uuid not null references tenants (id), note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select, insert, update, delete on notes to {app};
    create policy p on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));`,
  nearMisses: {
    'the column is text and the setting is not cast': `create table labels (tenant_id text not null, name text); alter table labels enable row level security, force row level security; create policy p on labels using (tenant_id = current_setting('app.tenant_id', true)); grant select on labels to {app};`,
  },
})

const NOTES = (
  context: string,
  type = 'uuid',
) => `create table notes (id uuid primary key default gen_random_uuid(), tenant_id ${type} not null, note text);
    alter table notes owner to {owner};
    alter table notes enable row level security, force row level security;
    grant select on notes to {app};
    create policy p on notes using (tenant_id = ${context});`
const HELD = NOTES(`(select (nullif(current_setting('app.tenant_id', true), '')::json ->> 'id')::uuid)`)

for (const [name, context] of Object.entries({
  json: `(select (current_setting('app.tenant_id', true)::json ->> 'id')::uuid)`,
  jsonb: `(select (current_setting('app.tenant_id', true)::jsonb ->> 'id')::uuid)`,
  'a type, from a query': `(select current_setting('app.tenant_id', true))::uuid`,
}))
  ruleCase('policy-empty-string-error', {
    name: `cast to ${name}`,
    base: 'create table tenants (id uuid primary key);',
    object: 'public.notes',
    severity: 'low',
    proof: 'static',
    hole: NOTES(context),
    repaired: HELD,
    nearMisses: {
      'a text in between': NOTES(`(select nullif(current_setting('app.tenant_id', true)::text, '')::uuid)`),
    },
  })

ruleCase('policy-empty-string-error', {
  name: 'a default that the empty string passes by',
  base: 'create table tenants (id uuid primary key);',
  object: 'public.notes',
  severity: 'low',
  proof: 'static',
  // How the default is meant is for a person to say.
  fixMends: false,
  hole: NOTES(
    `(select coalesce(current_setting('app.tenant_id', true), '00000000-0000-0000-0000-000000000000')::uuid)`,
  ),
  repaired: HELD,
  nearMisses: {},
})
