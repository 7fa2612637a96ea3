import { ruleCase } from '../rule-case.ts'

ruleCase('view-definer', {
  object: 'public.titles',
  severity: 'critical',
  hole: `create view titles as select id, tenant_id, title from documents; grant select on titles to {app};`,
  repaired: `create view titles with (security_invoker = true) as select id, tenant_id, title from documents; grant select on titles to {app};`,
  nearMisses: {
    'its owner is held by the policies': `create view titles as select id, tenant_id, title from documents; alter view titles owner to {owner}; grant select on titles to {app};`,
    'nobody in reach may read it': `create view titles as select id, tenant_id, title from documents;`,
    'it reads no tenant data': `create table countries (code text primary key); grant select on countries to {app}; create view codes as select code from countries; grant select on codes to {app};`,
  },
})

const STORED = `create schema private; create materialized view private.counts as select tenant_id, title, count(*) from documents group by 1, 2;`
const TENANT = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`

ruleCase('view-definer', {
  name: 'over a materialized view that is closed itself',
  object: 'public.counts',
  severity: 'critical',
  hole: `${STORED} create view counts as select title, count from private.counts where count >= 1; grant select on counts to {app};`,
  repaired: `${STORED} create view counts with (security_barrier) as select title, count from private.counts where ${TENANT}; grant select on counts to {app};`,
  nearMisses: {
    'it reads with the rights of a caller who has none': `${STORED} create view counts with (security_invoker) as select title, count from private.counts; grant select on counts to {app};`,
  },
})

ruleCase('view-definer', {
  name: 'a filter beside OR filters nothing',
  object: 'public.titles',
  severity: 'critical',
  hole: `create view titles with (security_barrier) as select id, title from documents where ${TENANT} or title is not null; grant select on titles to {app};`,
  repaired: `create view titles with (security_barrier) as select id, title from documents where ${TENANT} and title is not null; grant select on titles to {app};`,
  nearMisses: {
    'each side of a union filters': `create view titles with (security_barrier) as select id, title from documents where ${TENANT} union all select id, title from documents where ${TENANT} and title > 'm'; grant select on titles to {app};`,
  },
})

const OPEN_TO_READER = `create policy reads on documents for select to {reader} using (true); grant select on documents to {reader};`

ruleCase('view-definer', {
  name: 'an owner with a policy that is always true',
  object: 'public.titles',
  severity: 'critical',
  hole: `${OPEN_TO_READER} create view titles as select id, title from documents; alter view titles owner to {reader}; grant select on titles to {app};`,
  repaired: `${OPEN_TO_READER} create view titles with (security_barrier) as select id, title from documents where ${TENANT}; alter view titles owner to {reader}; grant select on titles to {app};`,
  nearMisses: {},
})
