import { HOLDING, ruleCase } from '../rule-case.ts'

const SEALED = `${HOLDING}
  do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$;
  create schema partywall; grant usage on schema partywall to {app};
  create table partywall.seal_keys (key_id text primary key, inner_pad bytea not null, outer_pad bytea not null);
  insert into partywall.seal_keys values ('00000000', 'a', 'b');
  create function partywall.tenant_id() returns text language sql stable as $$ select nullif(current_setting('app.tenant_seal', true), '') $$;
  create policy seal on documents as restrictive to {app} using (tenant_id = (select partywall.tenant_id()::uuid));
  create policy seal on tenants as restrictive to {app} using (id = (select partywall.tenant_id()::uuid));`

const SIGN = `create function sign(body text) returns bytea language sql stable security definer set search_path = pg_catalog, pg_temp as
  $$ select sha256(k.outer_pad || sha256(k.inner_pad || convert_to(body, 'UTF8'))) from partywall.seal_keys k $$;`

ruleCase('seal-oracle', {
  base: SEALED,
  hole: SIGN,
  object: 'public.sign(text)',
  severity: 'critical',
  proof: 'static',
  repaired: `${SIGN} revoke execute on function sign(text) from public;`,
  nearMisses: {
    'it runs as the caller, who may not read the keys': SIGN.replace('security definer', ''),
    'a verifying function without an argument': SIGN.replace('sign(body text)', 'partywall.sealed_body()').replace(
      '(body,',
      "('x',",
    ),
  },
})
