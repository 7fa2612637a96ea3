import { FLEET, own } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

ruleCase('schema-table-unwalled', {
  base: FLEET,
  object: 'shop_owl.prices',
  fixMends: false,
  hole: `create table shop_owl.prices (price int not null); insert into shop_owl.prices values (7); grant select on shop_owl.prices to {app};`,
  repaired: `create table shop_owl.prices (price int not null); alter table shop_owl.prices enable row level security, force row level security;
    create policy own_schema on shop_owl.prices using (${own('owl')}); grant select on shop_owl.prices to {app};`,
  nearMisses: {
    'a table without grants': `create table shop_owl.prices (price int not null);`,
    'a restrictive policy of the tenant beside a wide one': `create table shop_owl.prices (price int not null); alter table shop_owl.prices enable row level security, force row level security;
      create policy wide on shop_owl.prices using (true); create policy own_schema on shop_owl.prices as restrictive using (${own('owl')}); grant select on shop_owl.prices to {app};`,
  },
})

ruleCase('schema-table-unwalled', {
  name: 'a policy that is true',
  base: FLEET,
  object: 'shop_owl.notes',
  fixMends: false,
  hole: `create policy wide on shop_owl.notes for select using (true);`,
  repaired: `select 1;`,
  nearMisses: {},
})
