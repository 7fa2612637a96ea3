import { FLEET } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

ruleCase('schema-depends-on-neighbour', {
  base: FLEET,
  object: 'shop_owl.notes',
  severity: 'high',
  proof: 'static',
  fixMends: false,
  hole: `alter table shop_owl.notes add foreign key (id) references shop_fox.notes on delete cascade;`,
  repaired: `create table shop_owl.parents (id int primary key); insert into shop_owl.parents values (1); create table shop_fox.parents (id int primary key); alter table shop_owl.notes add foreign key (id) references shop_owl.parents;`,
  nearMisses: {
    'a foreign key to a table of no tenant': `create schema common; create table common.kinds (id int primary key); insert into common.kinds values (1); alter table shop_owl.notes add foreign key (id) references common.kinds;`,
    'a type of its own schema': `create type shop_owl.state as enum ('a'); create type shop_fox.state as enum ('a'); alter table shop_owl.notes add column state shop_owl.state; alter table shop_fox.notes add column state shop_fox.state;`,
  },
})
