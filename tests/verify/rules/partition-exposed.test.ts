import { ruleCase } from '../rule-case.ts'

ruleCase('partition-exposed', {
  object: 'public.events_2024',
  severity: 'critical',
  hole: `create table events (tenant_id uuid not null, at date not null, body text) partition by range (at);
    create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
    alter table events owner to {owner}; alter table events_2024 owner to {owner};
    alter table events enable row level security, force row level security;
    create policy p on events using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert, update, delete on events to {app}; grant select on events_2024 to {app};`,
  repaired: `create table events (tenant_id uuid not null, at date not null, body text) partition by range (at);
    create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
    alter table events owner to {owner}; alter table events_2024 owner to {owner};
    alter table events enable row level security, force row level security;
    create policy p on events using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert, update, delete on events to {app}; grant select on events_2024 to {app}; alter table events_2024 enable row level security, force row level security;`,
  nearMisses: {
    'nobody in reach has a grant on the partition': `create table events (tenant_id uuid not null, at date not null, body text) partition by range (at);
    create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
    alter table events owner to {owner}; alter table events_2024 owner to {owner};
    alter table events enable row level security, force row level security;
    create policy p on events using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
    grant select, insert, update, delete on events to {app};`,
  },
})
