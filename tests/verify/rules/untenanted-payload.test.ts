import { ruleCase } from '../rule-case.ts'

ruleCase('untenanted-payload', {
  object: 'public.outbox',
  severity: 'high',
  hole: `create table outbox (id bigint generated always as identity primary key, payload jsonb not null);
    create function log_document() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as
    $$ begin insert into public.outbox (payload) values (to_jsonb(new)); return new; end $$;
    revoke execute on function log_document() from public;
    create trigger log after insert on documents for each row execute function log_document(); grant select on outbox to {app};`,
  repaired: `create table outbox (id bigint generated always as identity primary key, payload jsonb not null);
    create function log_document() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as
    $$ begin insert into public.outbox (payload) values (to_jsonb(new)); return new; end $$;
    revoke execute on function log_document() from public;
    create trigger log after insert on documents for each row execute function log_document();`,
  nearMisses: {
    'a list of the product': `create table templates (id int primary key, body text not null); grant select on templates to {app};`,
  },
})
