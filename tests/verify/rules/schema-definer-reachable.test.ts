import { FLEET } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

const DEFINER = `create function shop_owl.export() returns setof text language sql stable security definer set search_path = shop_owl, pg_temp as 'select note from notes';`

ruleCase('schema-definer-reachable', {
  base: FLEET,
  object: 'shop_owl.export()',
  severity: 'critical',
  proof: 'static',
  hole: DEFINER,
  repaired: `${DEFINER} revoke all on function shop_owl.export() from public;`,
  nearMisses: {
    'a function that runs as its caller': DEFINER.replace('security definer', 'security invoker'),
  },
})
