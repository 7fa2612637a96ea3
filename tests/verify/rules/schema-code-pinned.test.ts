import { FLEET } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

ruleCase('schema-code-pinned', {
  base: FLEET,
  object: 'common.report()',
  severity: 'high',
  proof: 'static',
  fixMends: false,
  hole: `create schema common; grant usage on schema common to {app};
    create function common.report() returns text language sql stable security definer set search_path = shop_fox, pg_temp as 'select note from notes';`,
  repaired: `create schema common; grant usage on schema common to {app};
    create function common.report() returns text language plpgsql stable as 'begin return (select note from notes); end';`,
  nearMisses: {
    'a function that the application may not call': `create schema common;
      create function common.report() returns text language sql stable security definer set search_path = shop_fox, pg_temp as 'select note from notes'; revoke all on function common.report() from public;`,
  },
})
