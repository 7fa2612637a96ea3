import { FLEET, own } from '../fleet-base.ts'
import { ruleCase } from '../rule-case.ts'

ruleCase('policy-trusts-search-path', {
  base: FLEET,
  object: 'shop_owl.drafts',
  fixMends: false,
  hole: `create table shop_owl.drafts (note text not null); insert into shop_owl.drafts values ('of owl'); grant select on shop_owl.drafts to {app};
    alter table shop_owl.drafts enable row level security, force row level security;
    create policy own_schema on shop_owl.drafts using (current_schema() = 'shop_' || (select nullif(current_setting('app.tenant_id', true), '')));`,
  repaired: `create table shop_owl.drafts (note text not null); grant select on shop_owl.drafts to {app};
    alter table shop_owl.drafts enable row level security, force row level security; create policy own_schema on shop_owl.drafts using (${own('owl')});`,
  nearMisses: {
    'a policy that asks for the path and the tenant': `create table shop_owl.drafts (note text not null); grant select on shop_owl.drafts to {app};
      alter table shop_owl.drafts enable row level security, force row level security;
      create policy own_schema on shop_owl.drafts using (${own('owl')} and current_schema() = 'shop_owl');`,
  },
})
