import { FLEET } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

const REGISTRY = `${FLEET}
  do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$;
  create schema partywall; create table partywall.schemas (schema_name text primary key, tenant_id text not null, schema_oid oid not null);`

ruleCase('schema-map-stale', {
  base: REGISTRY,
  object: 'schema shop_owl',
  severity: 'medium',
  proof: 'static',
  fixMends: false,
  hole: `insert into partywall.schemas values ('shop_fox', 'fox', 'shop_fox'::regnamespace), ('shop_owl', 'owl', 1);`,
  repaired: `insert into partywall.schemas values ('shop_fox', 'fox', 'shop_fox'::regnamespace), ('shop_owl', 'owl', 'shop_owl'::regnamespace);`,
  nearMisses: {
    'a schema that was dropped and not created again': `insert into partywall.schemas values ('shop_fox', 'fox', 'shop_fox'::regnamespace), ('shop_owl', 'owl', 'shop_owl'::regnamespace), ('shop_elk', 'elk', 1);`,
  },
})
