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

const VIEW = `create view inbox as select tenant_id, title from documents; alter view inbox owner to {owner};`

ruleCase('policy-unsealed', {
  name: 'a view of the owner',
  base: SEALED + SEAL_TENANTS,
  hole: `${VIEW} grant select on inbox to {app};`,
  object: 'public.inbox',
  proof: 'static',
  repaired: `${VIEW} grant select on inbox to {app}; alter view inbox set (security_invoker = true);`,
  nearMisses: {
    'nobody in reach uses it': VIEW,
    'it compares with the seal': `create view inbox as select title from documents where tenant_id = (select partywall.tenant_id()::uuid);
      alter view inbox owner to {owner}; grant select on inbox to {app};`,
  },
})

ruleCase('policy-unsealed', {
  name: 'a view of the owner that is written',
  base: SEALED + SEAL_TENANTS,
  hole: `${VIEW} grant insert on inbox to {app};`,
  object: 'public.inbox',
  proof: 'static',
  repaired: VIEW,
  nearMisses: {},
})

const TITLES = `create function titles() returns setof text language sql stable security definer set search_path = pg_catalog, pg_temp as
  $$ select title from public.documents $$; alter function titles() owner to {owner};`

ruleCase('policy-unsealed', {
  name: 'a function of the owner that names no setting',
  base: SEALED + SEAL_TENANTS,
  hole: TITLES,
  object: 'public.titles()',
  proof: 'static',
  repaired: TITLES.replace('security definer', ''),
  nearMisses: { 'nobody in reach calls it': `${TITLES} revoke execute on function titles() from public;` },
})

const FALLS_BACK = `drop policy seal on documents; create policy seal on documents as restrictive to {app}
  using (tenant_id = (select coalesce(partywall.tenant_id(), nullif(current_setting('app.tenant_id', true), ''))::uuid));`
const TWICE = FALLS_BACK.replace("nullif(current_setting('app.tenant_id', true), '')", 'partywall.tenant_id()')

ruleCase('policy-unsealed', {
  name: 'a seal policy that falls back to the setting',
  base: SEALED + SEAL_TENANTS,
  hole: FALLS_BACK,
  object: 'public.documents',
  repaired: TWICE,
  nearMisses: {
    'it names the column last': TWICE.replace('tenant_id = (', '(').replace('::uuid));', '::uuid) = tenant_id);'),
    'it asks for more': TWICE.replace('using (', "using (title <> '' and "),
  },
})

ruleCase('policy-unsealed', {
  name: 'a seal policy with a way around',
  base: SEALED + SEAL_TENANTS,
  hole: TWICE.replace('using (', "using (title <> '' or "),
  object: 'public.documents',
  repaired: TWICE,
  nearMisses: {},
})
