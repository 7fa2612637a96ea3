import { beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

/** Everything in schema partywall that the application, the roles it can become, or PUBLIC can touch. */
const MAY: readonly string[] = [
  'column placement.mark',
  'column ticket.tenant_id',
  'function actor_id() execute',
  'function applied_migrations() execute',
  'function known_protection_hashes() execute',
  'function placed_mark() execute',
  'function register_tickets(text, text) execute',
  'function revoke_credentials(hashes bytea[], keep_seconds integer) execute',
  'function revoked_credentials(wanted bytea[]) execute',
  'function role_at_least(text) execute',
  'function schema_name() execute',
  'function seal_writes() execute',
  'function tenant_by_id(text) execute',
  'function tenant_by_key(text) execute',
  'function tenant_id() execute',
  'function user_id() execute',
  'function writes_as(text) execute',
  'schema usage',
  'table placement select',
  'table ticket select',
]

const REACHABLE = `
  select distinct what from (
    select 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') execute' as what
      from pg_proc p, unnest(array['app', 'tenant_user', 'tenant_admin']) r
     where p.pronamespace = 'partywall'::regnamespace and has_function_privilege(r, p.oid, 'EXECUTE')
    union all
    select 'table ' || c.relname || ' ' || lower(privilege)
      from pg_class c, unnest(array['app', 'tenant_user', 'tenant_admin']) r,
           unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) as privilege
     where c.relnamespace = 'partywall'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege(r, c.oid, privilege)
    union all
    select 'column ' || c.relname || '.' || a.attname
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0, unnest(array['app', 'tenant_user', 'tenant_admin']) r
     where c.relnamespace = 'partywall'::regnamespace and c.relkind in ('r', 'p', 'v') and has_column_privilege(r, c.oid, a.attnum, 'SELECT')
    union all
    select 'sequence ' || c.relname
      from pg_class c, unnest(array['app', 'tenant_user', 'tenant_admin']) r
     where c.relnamespace = 'partywall'::regnamespace and c.relkind = 'S' and has_sequence_privilege(r, c.oid, 'USAGE, SELECT, UPDATE')
    union all
    select 'schema ' || lower(privilege)
      from unnest(array['app', 'tenant_user', 'tenant_admin']) r, unnest(array['USAGE', 'CREATE']) as privilege
     where has_schema_privilege(r, 'partywall', privilege)
  ) x order by 1`

describe('schema partywall', () => {
  it('lets the application touch what is listed, and nothing that computes a MAC', async () => {
    const { rows } = await database.admin(REACHABLE)
    const reachable: string[] = rows.map((row) => row.what)
    // Other rooms add their own objects here, each with a test of its own; none may be a table that can be read whole.
    const ours = reachable.filter((what) => !/audit|outbox/.test(what))
    expect(ours.map((what) => what.replaceAll(/\b(?:level|wanted|batch|mac) text\b/g, 'text'))).toEqual(MAY)
  })

  it('belongs to a role that nobody logs in as and that owns nothing else', async () => {
    const { rows } = await database.admin(`
      select r.rolcanlogin, r.rolsuper, r.rolbypassrls,
             (select count(*)::int from pg_class c where c.relowner = r.oid and c.relnamespace <> 'partywall'::regnamespace
                and c.relnamespace <> 'pg_toast'::regnamespace) as elsewhere,
             (select count(*)::int from pg_proc p where p.pronamespace = 'partywall'::regnamespace and p.proowner <> r.oid) as foreign_functions
        from pg_roles r where r.rolname = 'partywall_owner'`)
    expect(rows).toEqual([
      { rolcanlogin: false, rolsuper: false, rolbypassrls: false, elsewhere: 0, foreign_functions: 0 },
    ])
  })

  it('has no definer function that looks names up in the caller’s path', async () => {
    const { rows } = await database.admin(`
      select p.proname from pg_proc p
       where p.pronamespace = 'partywall'::regnamespace and p.prosecdef and p.prosqlbody is null
         and not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, pg_temp']`)
    expect(rows).toEqual([])
  })
})
