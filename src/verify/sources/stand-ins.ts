/**
 * A stand-in for an extension that the started server does not have: types, operators and functions of the same names, so that a schema
 * that uses them can be built. The stand-in's functions compute nothing. The functions of the real extension do not affect tenant
 * isolation.
 */
interface StandIn {
  readonly sql: string
  /** Description for the report. */
  readonly says: string
}

/** SQL for a type that accepts any text and any modifier: `vector(384)`, `geometry(Point, 4326)`. */
function type(name: string): string {
  return `
    create type @s.${name};
    create function @s.${name}_in(cstring) returns @s.${name} language internal immutable strict as 'textin';
    create function @s.${name}_out(@s.${name}) returns cstring language internal immutable strict as 'textout';
    create function @s.${name}_typmod_in(cstring[]) returns integer language internal immutable strict as 'array_ndims';
    create type @s.${name} (input = @s.${name}_in, output = @s.${name}_out, typmod_in = @s.${name}_typmod_in,
      internallength = variable, alignment = int4, storage = extended, category = 'U');`
}

/** SQL for a function that returns NULL. */
function answers(signature: string, returns: string): string {
  return `create function @s.${signature} returns ${returns} language sql stable as $$ select null::${returns} $$;`
}

function operator(name: string, of: string, returns = 'double precision'): string {
  const fn = `${of}_${[...name].map((char) => char.charCodeAt(0).toString(16)).join('')}`
  return `create function @s.${fn}(@s.${of}, @s.${of}) returns ${returns} language sql immutable as $$ select null::${returns} $$;
    create operator @s.${name} (leftarg = @s.${of}, rightarg = @s.${of}, function = @s.${fn});`
}

const VECTOR = [
  ...['vector', 'halfvec', 'sparsevec'].map(type),
  ...['vector', 'halfvec', 'sparsevec'].flatMap((of) => ['<->', '<=>', '<#>', '<+>'].map((name) => operator(name, of))),
  answers('cosine_distance(@s.vector, @s.vector)', 'double precision'),
  answers('l2_distance(@s.vector, @s.vector)', 'double precision'),
  answers('inner_product(@s.vector, @s.vector)', 'double precision'),
].join('\n')

const POSTGIS = [
  ...['geometry', 'geography'].map(type),
  ...['geometry', 'geography'].flatMap((of) => [
    operator('&&', of, 'boolean'),
    operator('<->', of),
    answers(`st_distance(@s.${of}, @s.${of})`, 'double precision'),
    answers(`st_dwithin(@s.${of}, @s.${of}, double precision)`, 'boolean'),
    answers(`st_astext(@s.${of})`, 'text'),
  ]),
  answers('st_makepoint(double precision, double precision)', '@s.geometry'),
  answers('st_point(double precision, double precision)', '@s.geometry'),
  answers('st_setsrid(@s.geometry, integer)', '@s.geometry'),
  answers('st_geomfromtext(text, integer)', '@s.geometry'),
  answers('st_contains(@s.geometry, @s.geometry)', 'boolean'),
  answers('st_intersects(@s.geometry, @s.geometry)', 'boolean'),
  answers('st_x(@s.geometry)', 'double precision'),
  answers('st_y(@s.geometry)', 'double precision'),
].join('\n')

const CRON = `create schema if not exists cron;
  create table cron.job (jobid bigint primary key, schedule text, command text, jobname text, active boolean);
  create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $$ select 1::bigint $$;
  create function cron.schedule(schedule text, command text) returns bigint language sql as $$ select 1::bigint $$;
  create function cron.unschedule(job_name text) returns boolean language sql as $$ select true $$;
  create function cron.unschedule(job_id bigint) returns boolean language sql as $$ select true $$;`

const VAULT = `create schema if not exists vault;
  create table vault.secrets (id uuid primary key default gen_random_uuid(), name text, description text, secret text, created_at timestamptz default now(), updated_at timestamptz default now());
  create view vault.decrypted_secrets as select *, secret as decrypted_secret from vault.secrets;
  create function vault.create_secret(new_secret text, new_name text default null, new_description text default '') returns uuid language sql as $$ select gen_random_uuid() $$;
  create function vault.update_secret(secret_id uuid, new_secret text default null, new_name text default null, new_description text default null) returns void language sql as $$ select null::void $$;`

const NET = `create schema if not exists net;
  create function net.http_get(url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds int default 2000) returns bigint language sql as $$ select 1::bigint $$;
  create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds int default 2000) returns bigint language sql as $$ select 1::bigint $$;
  create function net.http_delete(url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds int default 2000) returns bigint language sql as $$ select 1::bigint $$;`

const HTTP = `create type @s.http_header as (field varchar, value varchar);
  create type @s.http_response as (status integer, content_type varchar, headers @s.http_header[], content varchar);
  create type @s.http_request as (method varchar, uri varchar, headers @s.http_header[], content_type varchar, content varchar);
  ${answers('http(@s.http_request)', '@s.http_response')}
  ${answers('http_get(varchar)', '@s.http_response')}
  ${answers('http_delete(varchar)', '@s.http_response')}
  ${answers('http_post(varchar, varchar, varchar)', '@s.http_response')}
  ${answers('http_put(varchar, varchar, varchar)', '@s.http_response')}
  create function @s.http_header(varchar, varchar) returns @s.http_header language sql immutable as $$ select row($1, $2)::@s.http_header $$;`

const JWT = `${answers('sign(payload json, secret text, algorithm text default $a$HS256$a$)', 'text')}
  create function @s.verify(token text, secret text, algorithm text default 'HS256') returns table (header json, payload json, valid boolean)
    language sql immutable as $$ select null::json, null::json, false $$;`

const STAND_INS: ReadonlyMap<string, StandIn> = new Map([
  ['vector', { sql: VECTOR, says: 'types vector, halfvec, sparsevec and their distances' }],
  ['pgvector', { sql: VECTOR, says: 'types vector, halfvec, sparsevec and their distances' }],
  ['postgis', { sql: POSTGIS, says: 'types geometry and geography and the commonest functions' }],
  ['pg_cron', { sql: CRON, says: 'schema cron; no job runs' }],
  ['supabase_vault', { sql: VAULT, says: 'schema vault' }],
  ['vault', { sql: VAULT, says: 'schema vault' }],
  ['pg_net', { sql: NET, says: 'schema net; nothing is sent' }],
  ['http', { sql: HTTP, says: 'its types and functions; nothing is sent' }],
  ['pgjwt', { sql: JWT, says: 'sign() and verify(), which answer nothing' }],
  ['pg_graphql', { sql: '', says: 'nothing, since no table or policy can use it' }],
  ['pg_stat_monitor', { sql: '', says: 'nothing, since no table or policy can use it' }],
  ['pgaudit', { sql: '', says: 'nothing, since no table or policy can use it' }],
  ['plv8', { sql: '', says: 'nothing: functions in it can’t be made' }],
  ['pgtap', { sql: '', says: 'nothing, since it serves tests' }],
  ['index_advisor', { sql: '', says: 'nothing, since no table or policy can use it' }],
  ['hypopg', { sql: '', says: 'nothing, since no table or policy can use it' }],
])

/**
 * The stand-in for an extension, in the schema that the statement names.
 *
 * @param statement `CREATE EXTENSION … WITH SCHEMA extensions`
 */
export function standInFor(extension: string, statement: string): StandIn | undefined {
  const found = STAND_INS.get(extension)
  if (found === undefined) return undefined
  const schema = /\bschema\s+(?:"((?:[^"]|"")+)"|([\w$]+))/i.exec(statement)
  const name = (schema?.[1]?.replaceAll('""', '"') ?? schema?.[2]?.toLowerCase() ?? 'public').replaceAll('"', '""')
  const make = schema === null ? '' : `create schema if not exists "${name}";\n`
  return { ...found, sql: `${make}${found.sql.replaceAll('@s.', () => `"${name}".`)}` }
}
