import { HOLDING, ruleCase } from '../rule-case.ts'

const SEALED = `${HOLDING}
  do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$;
  create schema partywall; grant usage on schema partywall to {app};
  create table partywall.seal_keys (key_id text primary key, inner_pad bytea not null, outer_pad bytea not null);
  insert into partywall.seal_keys values ('00000000', 'a', 'b');
  create function partywall.tenant_id() returns text language sql stable as $$ select nullif(current_setting('app.tenant_seal', true), '') $$;
  create policy seal on documents as restrictive to {app} using (tenant_id = (select partywall.tenant_id()::uuid));`

const SEAL_TENANTS =
  'create policy seal on tenants as restrictive to {app} using (id = (select partywall.tenant_id()::uuid));'

ruleCase('policy-unsealed', {
  base: SEALED,
  hole: 'select 1;',
  object: 'public.tenants',
  severity: 'high',
  repaired: SEAL_TENANTS,
  nearMisses: { 'nobody in reach reads it': 'revoke all on tenants from {app};' },
})

ruleCase('policy-unsealed', {
  // The policy is there, and holds another role.
  base: SEALED,
  hole: SEAL_TENANTS.replace('to {app}', 'to {reporting}'),
  object: 'public.tenants',
  repaired: SEAL_TENANTS,
  nearMisses: {},
})

const COUNTER = `create function mine() returns bigint language sql stable security definer set search_path = pg_catalog, pg_temp as
  $$ select count(*) from public.documents where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid $$;`

ruleCase('policy-unsealed', {
  base: SEALED + SEAL_TENANTS,
  hole: COUNTER,
  object: 'public.mine()',
  proof: 'static',
  repaired: COUNTER.replace(
    "nullif(current_setting('app.tenant_id', true), '')::uuid",
    '(select partywall.tenant_id())::uuid',
  ),
  nearMisses: { 'it runs as the caller': COUNTER.replace('security definer', '') },
})
