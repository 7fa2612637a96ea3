import { FLEET } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

ruleCase('schema-default-privileges', {
  base: FLEET,
  object: 'shop_owl',
  severity: 'high',
  proof: 'static',
  hole: `alter default privileges for role {owner} in schema shop_owl grant select on tables to {app};`,
  repaired: `select 1;`,
  nearMisses: {
    'default privileges for a role that the application can not become': `alter default privileges for role {owner} in schema shop_owl grant select on tables to {report};`,
  },
})

ruleCase('schema-default-privileges', {
  name: 'rights of PUBLIC on the schema',
  base: FLEET,
  object: 'shop_owl',
  severity: 'high',
  proof: 'static',
  hole: `grant create on schema shop_owl to public;`,
  repaired: `select 1;`,
  nearMisses: {},
})
