import { FLEET, own } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

ruleCase('schema-policy-wrong-tenant', {
  base: FLEET,
  object: 'shop_owl.drafts',
  fixMends: false,
  hole: `create table shop_owl.drafts (note text not null); insert into shop_owl.drafts values ('of owl'); grant select on shop_owl.drafts to {app};
    alter table shop_owl.drafts enable row level security, force row level security; create policy own_schema on shop_owl.drafts using (${own('fox')});`,
  repaired: `create table shop_owl.drafts (note text not null); grant select on shop_owl.drafts to {app};
    alter table shop_owl.drafts enable row level security, force row level security; create policy own_schema on shop_owl.drafts using (${own('owl')});`,
  nearMisses: {
    'both tenants must match, so nobody sees a row of another': `create table shop_owl.drafts (note text not null); grant select on shop_owl.drafts to {app};
      alter table shop_owl.drafts enable row level security, force row level security;
      create policy own_schema on shop_owl.drafts using (${own('owl')}); create policy more on shop_owl.drafts as restrictive using (${own('fox')});`,
  },
})
