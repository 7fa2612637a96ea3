import { FLEET } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

ruleCase('schema-drift', {
  base: FLEET,
  object: 'schema shop_owl',
  severity: 'low',
  proof: 'static',
  fixMends: false,
  hole: `create schema shop_elk; create table shop_elk.notes (id int primary key, note text not null); alter table shop_owl.notes add column later int;`,
  repaired: `alter table shop_owl.notes add column later int; alter table shop_fox.notes add column later int;`,
  nearMisses: {
    'the same columns in another order': `create table shop_fox.pairs (a int, b int); create table shop_owl.pairs (b int, a int);`,
    'a table that one tenant has alone': `create schema shop_elk; create table shop_elk.notes (id int primary key, note text not null); create table shop_owl.extra (id int);`,
  },
})
