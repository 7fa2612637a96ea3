import { ruleCase } from '../rule-case.ts'

ruleCase('view-filter-no-barrier', {
  object: 'public.own_titles',
  severity: 'high',
  hole: `create view own_titles as select id, tenant_id, title from documents where tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid); grant select on own_titles to {app};`,
  repaired: `create view own_titles with (security_barrier = true) as select id, tenant_id, title from documents where tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid); grant select on own_titles to {app};`,
  nearMisses: {
    'it reads as the caller': `create view own_titles with (security_invoker = true) as select id, tenant_id, title from documents where tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid); grant select on own_titles to {app};`,
  },
})

const OPEN_TO_READER = `create policy reads on documents for select to {reader} using (true); grant select on documents to {reader};`
const OWN_TITLES = (options: string) =>
  `${OPEN_TO_READER} create extension if not exists pg_trgm; create index by_words on documents using gin (title gin_trgm_ops); create view own_titles ${options} as select id, tenant_id, title from documents where tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid); alter view own_titles owner to {reader}; grant select on own_titles to {app};`

ruleCase('view-filter-no-barrier', {
  name: 'an owner with a policy that is always true, and an index on the texts',
  object: 'public.own_titles',
  severity: 'high',
  hole: OWN_TITLES(''),
  repaired: OWN_TITLES('with (security_barrier = true)'),
  nearMisses: {},
})
