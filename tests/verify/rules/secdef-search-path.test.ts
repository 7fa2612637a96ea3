import { ruleCase } from '../rule-case.ts'

ruleCase('secdef-search-path', {
  object: 'public.touch()',
  severity: 'high',
  proof: 'static',
  hole: `create function touch() returns void language sql volatile security definer as $$ select 1 $$;`,
  repaired: `create function touch() returns void language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$ select 1 $$;`,
  nearMisses: {
    'it is BEGIN ATOMIC': `create function touch() returns integer language sql security definer begin atomic select 1; end;`,
    'it runs as the caller': `create function touch() returns void language sql volatile security invoker as $$ select 1 $$;`,
    'nobody in reach may call it': `create function touch() returns void language sql volatile security definer as $$ select 1 $$; revoke execute on function touch() from public;`,
  },
})

ruleCase('secdef-search-path', {
  name: 'it reads a table without its schema',
  object: 'public.count_documents()',
  severity: 'high',
  hole: `create function count_documents() returns bigint language sql stable security definer as $$ select count(*) from documents where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid $$;`,
  repaired: `create function count_documents() returns bigint language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select count(*) from documents where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid $$;`,
  nearMisses: {},
})

ruleCase('secdef-search-path', {
  name: 'it writes a table without its schema, and searches pg_temp first',
  object: 'public.log_it(text)',
  severity: 'high',
  hole: `create table log (line text); create function log_it(line text) returns void language sql security definer set search_path = public as $$ insert into log values (line) $$;`,
  repaired: `create table log (line text); create function log_it(line text) returns void language sql security definer set search_path = public, pg_temp as $$ insert into log values (line) $$;`,
  nearMisses: {},
})

const FIND = `language plpgsql stable security definer`
const BY_TITLE = `as $$ declare found_id uuid; begin select d.id into found_id from documents as d where d.title = wanted
  and d.tenant_id = nullif(current_setting('app.tenant_id', true), '')::pg_catalog.uuid; return found_id; end $$;`

ruleCase('secdef-search-path', {
  name: 'it looks a row up by its argument',
  object: 'public.find_document(text)',
  severity: 'high',
  hole: `create function find_document(wanted text) returns uuid ${FIND} set search_path = public ${BY_TITLE}`,
  repaired: `create function find_document(wanted text) returns uuid ${FIND} set search_path = public, pg_temp ${BY_TITLE}`,
  nearMisses: {},
})

ruleCase('secdef-search-path', {
  name: 'it looks rows up by a number, and is STRICT',
  object: 'public.count_titles(integer)',
  severity: 'high',
  hole: `create function count_titles(size integer) returns bigint language sql stable strict security definer set search_path = public as $$
    select count(*) from documents where length(title) = size and tenant_id = nullif(current_setting('app.tenant_id', true), '')::pg_catalog.uuid $$;`,
  repaired: `create function count_titles(size integer) returns bigint language sql stable strict security definer set search_path = public, pg_temp as $$
    select count(*) from documents where length(title) = size and tenant_id = nullif(current_setting('app.tenant_id', true), '')::pg_catalog.uuid $$;`,
  nearMisses: {},
})

ruleCase('secdef-search-path', {
  name: 'all is qualified but a type',
  object: 'public.as_key(text)',
  severity: 'high',
  hole: `create function as_key(given text) returns text language sql security definer as $$ select given::uuid::text $$;`,
  repaired: `create function as_key(given text) returns text language sql security definer set search_path = pg_catalog, pg_temp as $$ select given::uuid::text $$;`,
  nearMisses: {},
})
