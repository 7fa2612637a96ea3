import { own } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

const ROLES = `create schema shop_fox; create schema shop_owl; create table shop_fox.notes (note text not null); create table shop_owl.notes (note text not null);
  insert into shop_fox.notes values ('of fox'); insert into shop_owl.notes values ('of owl');
  grant {fox}, {owl} to {app}; grant usage on schema shop_fox to {fox}; grant usage on schema shop_owl to {owl};`

ruleCase('schema-role-only', {
  base: ROLES,
  object: 'role {app}',
  proof: 'static',
  fixMends: false,
  hole: `grant select on shop_fox.notes to {fox}; grant select on shop_owl.notes to {owl};`,
  repaired: `alter table shop_fox.notes enable row level security, force row level security; alter table shop_owl.notes enable row level security, force row level security;
    create policy own_schema on shop_fox.notes using (${own('fox')}); create policy own_schema on shop_owl.notes using (${own('owl')});
    grant select on shop_fox.notes to {fox}; grant select on shop_owl.notes to {owl};`,
  nearMisses: {
    'the roles have no rights on tables': `grant select on shop_fox.notes to {owner};
      alter table shop_fox.notes enable row level security, force row level security; create policy own_schema on shop_fox.notes using (${own('fox')}); grant select on shop_fox.notes to {fox};`,
  },
})
