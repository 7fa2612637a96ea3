import { ruleCase } from '../rule-case.ts'

ruleCase('trigger-guard-disabled', {
  object: 'public.documents',
  severity: 'medium',
  proof: 'static',
  hole: `create function guard_tenant() returns trigger language plpgsql as $$ begin if new.tenant_id is null then raise exception 'no tenant_id'; end if; return new; end $$; create trigger guard_tenant before insert on documents for each row execute function guard_tenant(); alter table documents disable trigger guard_tenant;`,
  repaired: `create function guard_tenant() returns trigger language plpgsql as $$ begin if new.tenant_id is null then raise exception 'no tenant_id'; end if; return new; end $$; create trigger guard_tenant before insert on documents for each row execute function guard_tenant(); alter table documents enable always trigger guard_tenant;`,
  nearMisses: {
    'a trigger about something else is disabled': `create function stamp() returns trigger language plpgsql as $$ begin return new; end $$; create trigger stamp before insert on documents for each row execute function stamp(); alter table documents disable trigger stamp;`,
  },
})
