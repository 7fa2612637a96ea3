import pg from 'pg'
import { inject } from 'vitest'

/**
 * A database for one case at a time, the same one for all cases of a worker.
 *
 * Making a database copies 300 files and was three quarters of what a case took. So it is emptied instead, and compared
 * with what it was when it was new: whatever a case left (an ACL of pg_catalog, a cast, a text search template) makes it
 * be dropped and made again.
 */
interface CaseDatabase {
  readonly name: string
  readonly url: string
  /** A superuser's connection, on it. */
  readonly client: pg.Client
  /** Removes all that the case made, and the roles. */
  close(roles: readonly string[]): Promise<void>
}

/** What the worker's database looked like when it was new; undefined when it has to be made. */
let asNew: string | undefined
/** The connection of the case before: a new one would read the catalog into its caches again, which doubles what emptying takes. */
let kept: pg.Client | undefined

export async function openCaseDatabase(): Promise<CaseDatabase> {
  const { url: maintenance, template } = inject('postgres')
  // Two workers never share it: vitest numbers those that run at the same time.
  const name = `${template}_case_${process.env['VITEST_POOL_ID'] ?? process.pid}`
  const url = new URL(maintenance)
  url.pathname = `/${name}`
  if (asNew === undefined) await make(maintenance, name)
  const client = await keptOr(() => connect(url.href))
  asNew ??= await fingerprint(client)
  return {
    name,
    url: url.href,
    client,
    async close(roles) {
      const emptied = await empty(client, roles)
      if (!emptied) {
        asNew = undefined
        await client.end()
        await drop(maintenance, name)
      }
      const cleaner = emptied ? client : await connect(maintenance)
      for (const role of roles) await cleaner.query(`drop role if exists ${role}`)
      if (emptied) await keep(client)
      else await cleaner.end()
    },
  }
}

async function keptOr(open: () => Promise<pg.Client>): Promise<pg.Client> {
  const again = kept
  kept = undefined
  if (again !== undefined) return again
  const client = await open()
  client.once('end', () => {
    if (kept === client) kept = undefined
  })
  return client
}

/** With nothing of the case in its session: no setting, temporary table, prepared statement or LISTEN. */
async function keep(client: pg.Client): Promise<void> {
  await client.query('discard all')
  client.removeAllListeners('notification')
  client.removeAllListeners('notice')
  kept = client
}

/** False when something is left, or could not be removed. */
async function empty(client: pg.Client, roles: readonly string[]): Promise<boolean> {
  const sql = `rollback; reset session authorization; reset role; reset all; drop owned by ${roles.join(', ')} cascade; ${EMPTY}`
  const done = await client.query(sql).then(
    () => true,
    () => false,
  )
  return done && (await fingerprint(client)) === asNew
}

const EMPTY = `do $$
declare item text;
begin
  for item in
    select format('drop publication %I', pubname) from pg_publication
    union all select format('drop event trigger %I', evtname) from pg_event_trigger
    union all select format('drop extension %I cascade', extname) from pg_extension where extname <> 'plpgsql'
    union all select format('drop schema %I cascade', nspname) from pg_namespace
      where nspname !~ '^pg_' and nspname <> 'information_schema'
    union all select format('alter database %I reset all', current_database())
      where exists (select from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
        where d.datname = current_database() and s.setrole = 0)
  loop
    execute item;
  end loop;
  for item in select format('drop foreign data wrapper %I cascade', fdwname) from pg_foreign_data_wrapper
    union all select format('drop language %I cascade', lanname) from pg_language where oid >= 16384
    union all select format('select lo_unlink(%s)', oid) from pg_largeobject_metadata
  loop
    execute item;
  end loop;
end $$;
do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$;
create schema public authorization pg_database_owner;
grant usage on schema public to public`

/** Catalogs whose rows made after initdb are all a case's own; \`public\` is made anew each time and looked at by itself. */
const CATALOGS = [
  'pg_class',
  'pg_proc',
  'pg_type',
  'pg_operator',
  'pg_opclass',
  'pg_opfamily',
  'pg_am',
  'pg_cast',
  'pg_collation',
  'pg_conversion',
  'pg_constraint',
  'pg_default_acl',
  'pg_event_trigger',
  'pg_extension',
  'pg_foreign_data_wrapper',
  'pg_foreign_server',
  'pg_language',
  'pg_largeobject_metadata',
  'pg_policy',
  'pg_publication',
  'pg_rewrite',
  'pg_statistic_ext',
  'pg_transform',
  'pg_trigger',
  'pg_ts_config',
  'pg_ts_dict',
  'pg_ts_parser',
  'pg_ts_template',
  'pg_user_mapping',
]

const FINGERPRINT = `select md5(string_agg(line, E'\\n' order by line)) as print from (
  ${CATALOGS.map((name) => `select '${name} ' || count(*) as line from pg_catalog.${name} where oid >= 16384`).join('\n  union all ')}
  union all select 'class ' || oid || ' ' || relowner || ' ' || relacl::text || ' ' || relrowsecurity from pg_class where oid < 16384 and relacl is not null
  union all select 'proc ' || oid || ' ' || proowner || ' ' || proacl::text from pg_proc where oid < 16384 and proacl is not null
  union all select 'column ' || attrelid || ' ' || attnum || ' ' || attacl::text from pg_attribute where attacl is not null
  union all select 'type ' || oid || ' ' || typacl::text from pg_type where oid < 16384 and typacl is not null
  union all select 'language ' || lanname || ' ' || lanowner || coalesce(lanacl::text, '') from pg_language
  union all select 'wrapper ' || fdwname from pg_foreign_data_wrapper
  union all select 'schema ' || nspname || ' ' || nspowner || coalesce(nspacl::text, '') from pg_namespace
  union all select 'database ' || datdba || coalesce(datacl::text, '') from pg_database where datname = current_database()
  union all select 'setting ' || s.setrole || s.setconfig::text from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase where d.datname = current_database()
) as all_that_is`

async function fingerprint(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ print: string }>(FINGERPRINT)
  return rows[0]?.print ?? ''
}

async function make(maintenance: string, name: string): Promise<void> {
  const client = await connect(maintenance)
  // Left behind when a case's clean-up was cut off.
  await client.query(`drop database if exists ${name} with (force)`)
  await client.query(`create database ${name}`)
  // Written out, so that a case that takes it away can be undone.
  await client.query(`grant temporary on database ${name} to public`)
  await client.end()
}

async function drop(maintenance: string, name: string): Promise<void> {
  const client = await connect(maintenance)
  await client.query(`drop database if exists ${name} with (force)`)
  await client.end()
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // a query that runs is told too
  await client.connect()
  return client
}
