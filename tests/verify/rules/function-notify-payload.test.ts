import { ruleCase } from '../rule-case.ts'

ruleCase('function-notify-payload', {
  object: 'public.tell()',
  severity: 'medium',
  proof: 'static',
  fixMends: false,
  hole: `create function tell() returns trigger language plpgsql as $$ begin perform pg_notify('changes', row_to_json(new)::text); return new; end $$; create trigger tell after insert on documents for each row execute function tell();`,
  repaired: `create function tell() returns trigger language plpgsql as $$ begin perform pg_notify('changes', new.id::text); return new; end $$; create trigger tell after insert on documents for each row execute function tell();`,
  nearMisses: {
    'nothing of the row is sent': `create function tell() returns trigger language plpgsql as $$ begin perform pg_notify('changes', 'documents'); return new; end $$; create trigger tell after insert on documents for each row execute function tell();`,
    'a hash of the tenant is sent': `create function tell() returns trigger language plpgsql as $$ begin perform pg_notify('changes', md5(new.tenant_id::text)); return new; end $$; create trigger tell after insert on documents for each row execute function tell();`,
  },
})

const TELL = (payload: string, declare = '', before = '') =>
  `alter table documents add column api_key text, add column tax_id text, add column owner_id uuid; create table people (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id)); alter table people enable row level security, force row level security; alter table documents add foreign key (tenant_id, owner_id) references people (tenant_id, id); create function tell() returns trigger language plpgsql as $$ ${declare} begin ${before} perform pg_notify('changes', ${payload}); return new; end $$; create trigger tell after insert on documents for each row execute function tell();`

ruleCase('function-notify-payload', {
  name: 'a column that is called like an id and is none',
  object: 'public.tell()',
  severity: 'medium',
  proof: 'static',
  fixMends: false,
  hole: TELL('new.api_key'),
  repaired: TELL('new.id::text'),
  nearMisses: { 'an id of another row': TELL('new.owner_id::text') },
})

ruleCase('function-notify-payload', {
  name: 'a number of the row’s owner',
  object: 'public.tell()',
  severity: 'medium',
  proof: 'static',
  fixMends: false,
  hole: TELL('new.tax_id'),
  repaired: TELL('new.tenant_id::text'),
  nearMisses: {},
})

ruleCase('function-notify-payload', {
  name: 'a column by way of a variable',
  object: 'public.tell()',
  severity: 'medium',
  proof: 'static',
  fixMends: false,
  hole: TELL('sent', 'declare sent text;', 'sent := new.title;'),
  repaired: TELL('sent', 'declare sent text;', 'sent := new.id;'),
  nearMisses: {},
})
