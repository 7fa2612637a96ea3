import { ruleCase } from '../rule-case.ts'

ruleCase('matview-exposed', {
  object: 'public.totals',
  severity: 'critical',
  hole: `create materialized view totals as select tenant_id, count(*) as n from documents group by tenant_id; grant select on totals to {app};`,
  repaired: `create materialized view totals as select tenant_id, count(*) as n from documents group by tenant_id;`,
  nearMisses: {
    'it reads no tenant table': `create table countries (code text primary key); create materialized view country_count as select count(*) as n from countries; grant select on country_count to {app};`,
  },
})
