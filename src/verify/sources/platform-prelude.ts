import type { MigrationFile } from './read-migrations.ts'

/**
 * Objects that a hosted platform creates before the first migration, as far as migrations may use them. For Supabase:
 * - the schema `auth` with its functions and users;
 * - the storage tables;
 * - its roles, and the privileges of its API.
 */
export interface PlatformPrelude {
  /** Runs before the files, as superuser, in one transaction. */
  readonly before: string
  /** Removes objects that the rules would otherwise judge like the user's own: default privileges, and the platform's publication. */
  readonly after: string
  /** Roles that `before` creates if they are missing. */
  readonly roles: readonly string[]
  /** Notes for the report. */
  readonly notes: readonly string[]
}

const REQUEST_ROLES = ['anon', 'authenticated', 'service_role'] as const

/**
 * The prelude that the files need, or undefined. Files need it if they use `auth.…()`, `auth.users` or storage's tables and no file
 * creates that schema.
 */
export function platformPrelude(files: readonly MigrationFile[]): PlatformPrelude | undefined {
  const statements = files.flatMap((file) => file.statements)
  const names = (pattern: RegExp) => statements.some(({ text }) => pattern.test(text))
  const makes = (schema: string) =>
    names(new RegExp(`\\bcreate\\s+schema\\s+(?:if\\s+not\\s+exists\\s+)?"?${schema}"?(?![\\w$])`, 'i'))
  const auth = !makes('auth') && names(/(?<![\w.$])"?auth"?\s*\.\s*"?(uid|jwt|role|email|user_id|users)"?(?![\w$])/i)
  const storage =
    !makes('storage') &&
    names(/(?<![\w.$])"?storage"?\s*\.\s*"?(objects|buckets|foldername|filename|extension)"?(?![\w$])/i)
  if (!auth && !storage) return undefined
  const extensions = !makes('extensions')
  const realtime = names(/\bsupabase_realtime\b/i) && !statements.some(({ head }) => /^create publication/.test(head))
  // If a file grants default privileges itself, keep them, so that the rules judge them.
  const ownDefaults = statements.some(
    ({ head, text }) => head.startsWith('alter default privileges') && /\bgrant\b/i.test(text),
  )
  const parts = [
    ...(auth ? ['schema auth with its functions and users'] : []),
    ...(storage ? ['schema storage'] : []),
    ...(realtime ? ['publication supabase_realtime'] : []),
    `the roles ${REQUEST_ROLES.join(', ')}`,
  ]
  return {
    before: [
      rolesSql,
      ...(extensions ? [extensionsSql, grantSchema('extensions')] : []),
      grantSchema('public'),
      ...(auth ? [authSql, grantSchema('auth')] : []),
      ...(storage ? [storageSql, grantSchema('storage')] : []),
      ...(realtime ? ['create publication supabase_realtime;'] : []),
      ...defaultRights('grant', 'to'),
    ].join('\n'),
    after: [
      ...(ownDefaults ? [] : defaultRights('revoke', 'from')),
      ...(realtime ? ['drop publication if exists supabase_realtime;'] : []),
    ].join('\n'),
    roles: [...REQUEST_ROLES],
    notes: [
      `the files use objects of Supabase and do not create them: verify created ${parts.join(', ')} first`,
      `verify assumes that its API may SELECT, INSERT, UPDATE and DELETE on objects that are created in public; check other rights with --database-url`,
    ],
  }
}

const rolesSql = `
do $$
declare missing text;
begin
  foreach missing in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = missing) then
      execute format('create role %I nologin noinherit', missing);
      if missing = 'service_role' then alter role service_role bypassrls; end if;
    end if;
  end loop;
end $$;`

/** Schema `extensions` and the search_path that Supabase uses for migrations and for its roles. */
const extensionsSql = `
create schema if not exists extensions;
do $$
declare usual text;
begin
  for usual in select name from pg_catalog.pg_available_extensions where name in ('pgcrypto', 'uuid-ossp') loop
    execute format('create extension if not exists %I with schema extensions', usual);
  end loop;
  execute format('alter database %I set search_path = "$user", public, extensions', current_database());
end $$;`

function grantSchema(schema: string): string {
  return `grant usage on schema ${schema} to ${REQUEST_ROLES.join(', ')};`
}

/**
 * Default privileges for the verbs that the API can send. The platform grants ALL, including TRUNCATE, which no request can send. Granting
 * ALL here would cause one finding per table about privileges that the user's files do not contain.
 */
function defaultRights(verb: 'grant' | 'revoke', to: 'to' | 'from'): string[] {
  const roles = REQUEST_ROLES.join(', ')
  return [
    `alter default privileges in schema public ${verb} select, insert, update, delete on tables ${to} ${roles};`,
    `alter default privileges in schema public ${verb} usage on sequences ${to} ${roles};`,
    `alter default privileges in schema public ${verb} execute on functions ${to} ${roles};`,
  ]
}

// Copied from Supabase's own migrations.
const authSql = `
create schema auth;
create table auth.users (
  instance_id uuid, id uuid not null primary key, aud varchar(255), role varchar(255), email varchar(255),
  encrypted_password varchar(255), email_confirmed_at timestamptz, invited_at timestamptz, last_sign_in_at timestamptz,
  raw_app_meta_data jsonb, raw_user_meta_data jsonb, is_super_admin boolean, created_at timestamptz, updated_at timestamptz,
  phone text, phone_confirmed_at timestamptz, banned_until timestamptz, is_sso_user boolean not null default false,
  deleted_at timestamptz, is_anonymous boolean not null default false
);
create function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
  )::uuid
$$;
create function auth.role() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
  )::text
$$;
create function auth.email() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email')
  )::text
$$;
create function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;
create function auth.user_id() returns text language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
$$;`

const storageSql = `
create schema storage;
create table storage.buckets (
  id text not null primary key, name text not null, owner uuid, owner_id text, public boolean default false,
  avif_autodetection boolean default false, file_size_limit bigint, allowed_mime_types text[],
  created_at timestamptz default now(), updated_at timestamptz default now()
);
create table storage.objects (
  id uuid not null primary key default gen_random_uuid(), bucket_id text references storage.buckets, name text, owner uuid,
  owner_id text, metadata jsonb, user_metadata jsonb, version text,
  path_tokens text[] generated always as (string_to_array(name, '/')) stored,
  created_at timestamptz default now(), updated_at timestamptz default now(), last_accessed_at timestamptz default now()
);
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
grant select, insert, update, delete on storage.buckets, storage.objects to anon, authenticated, service_role;
create function storage.foldername(name text) returns text[] language sql immutable as $$
  select (string_to_array(name, '/'))[1 : array_length(string_to_array(name, '/'), 1) - 1]
$$;
create function storage.filename(name text) returns text language sql immutable as $$
  select (string_to_array(name, '/'))[array_length(string_to_array(name, '/'), 1)]
$$;
create function storage.extension(name text) returns text language sql immutable as $$
  select split_part(storage.filename(name), '.', 2)
$$;`
