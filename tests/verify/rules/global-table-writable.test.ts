import { ruleCase } from '../rule-case.ts'

ruleCase('global-table-writable', {
  hole: `create table plans (code text primary key, price int not null); alter table plans owner to {owner}; grant select, update on plans to {app};`,
  object: `public.plans`,
  severity: 'medium',
  repaired: `create table plans (code text primary key, price int not null); alter table plans owner to {owner}; grant select on plans to {app};`,
  nearMisses: {
    'rows are only added, and nobody reads them': `create table beacons (id bigint generated always as identity, kind text); alter table beacons owner to {owner}; grant insert on beacons to {app};`,
    'a policy lets nobody write': `create table plans (code text primary key, price int not null); alter table plans owner to {owner}; grant select, update on plans to {app}; alter table plans enable row level security; create policy everybody on plans for select using (true);`,
  },
})

const PLANS = (policies: string) =>
  `create table plans (code text primary key, price int not null); alter table plans owner to {owner}; grant select, update on plans to {app}; alter table plans enable row level security; create policy everybody on plans using (true); ${policies}`

for (const [name, test] of Object.entries({ nothing: 'true', 'a constant': '1 = 1', 'a key': 'code is not null' }))
  ruleCase('global-table-writable', {
    name: `a restrictive policy asks for ${name}`,
    hole: PLANS(`create policy live on plans as restrictive using (${test});`),
    object: `public.plans`,
    severity: 'medium',
    repaired: PLANS(`create policy live on plans as restrictive for update using (false);`),
    nearMisses: {},
  })
