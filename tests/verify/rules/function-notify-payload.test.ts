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
