import { HOLDING, ruleCase } from '../rule-case.ts'

const SEALED = `${HOLDING}
  do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$;
  create schema partywall; grant usage on schema partywall to {app};
  create table partywall.seal_keys (key_id text primary key, inner_pad bytea not null, outer_pad bytea not null);
  insert into partywall.seal_keys values ('00000000', 'a', 'b');
  create function partywall.tenant_id() returns text language sql stable as $$ select nullif(current_setting('app.tenant_seal', true), '') $$;
  create policy seal on documents as restrictive to {app} using (tenant_id = (select partywall.tenant_id()::uuid));
  create policy seal on tenants as restrictive to {app} using (id = (select partywall.tenant_id()::uuid));`

ruleCase('seal-key-readable', {
  base: SEALED,
  hole: 'grant select on partywall.seal_keys to {app};',
  object: 'partywall.seal_keys',
  severity: 'critical',
  repaired: 'select 1;',
  nearMisses: { 'another role reads it': 'grant select on partywall.seal_keys to {backup};' },
})

ruleCase('seal-key-readable', {
  base: SEALED,
  hole: 'create table keys_backup as table partywall.seal_keys; grant select on keys_backup to {app};',
  object: 'public.keys_backup',
  proof: 'static',
  repaired: 'create table keys_backup as table partywall.seal_keys;',
  nearMisses: {},
})

ruleCase('seal-key-readable', {
  base: SEALED,
  hole: 'create publication all_of_it for all tables;',
  object: 'publication all_of_it',
  proof: 'static',
  repaired: `create publication some_of_it for table documents where (tenant_id = '00000000-0000-4000-8000-000000000001');`,
  nearMisses: {},
})

for (const [what, hole, object] of [
  ['a key', 'grant insert on partywall.seal_keys to {app};', 'partywall.seal_keys'],
  [
    'a key, through a child of the table',
    'create table more () inherits (partywall.seal_keys); grant insert on more to {app};',
    'public.more',
  ],
  [
    'a ticket, column by column',
    'grant insert (hash, tenant_id, not_after) on partywall.tickets to {app};',
    'partywall.tickets',
  ],
  ['the state of a tenant', 'grant update on partywall.tenant_states to {app};', 'partywall.tenant_states'],
] as const)
  ruleCase('seal-key-readable', {
    name: `${what} is written`,
    base: `${SEALED}
      create table partywall.tickets (hash bytea, tenant_id text, not_after timestamptz);
      create table partywall.tenant_states (tenant_id text primary key, revoked boolean not null);`,
    hole,
    object,
    proof: 'static',
    severity: 'critical',
    repaired: 'select 1;',
    nearMisses: {},
  })

ruleCase('seal-key-readable', {
  name: 'a suspended tenant lets itself in again',
  base: `${SEALED}
    create function partywall.readmit_tenant(tenant text) returns void language sql as 'select';
    revoke execute on function partywall.readmit_tenant(text) from public;`,
  hole: 'grant execute on function partywall.readmit_tenant(text) to {app};',
  object: 'partywall.readmit_tenant(text)',
  proof: 'static',
  repaired: 'select 1;',
  nearMisses: { 'another role calls it': 'grant execute on function partywall.readmit_tenant(text) to {backup};' },
})
