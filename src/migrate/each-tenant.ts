import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import pg from 'pg'
import { commandEnvironment, envFilesOf } from '../config/command-environment.ts'

/** Options of {@link eachTenant}. */
interface EachTenantOptions {
  /** URL of the migration role. */
  readonly databaseUrl: string
  /** A command for the shell. It runs once for each schema, with an environment of its own. */
  readonly command: string
  /** How many commands run at once; default 1. Tools that lock the whole database, such as node-pg-migrate, need 1. */
  readonly concurrency?: number | undefined
  /** The name under which finished schemas are remembered; default: a hash of the command. */
  readonly key?: string | undefined
  /** The setting that policies read; default `app.current_tenant_id`. */
  readonly setting?: string | undefined
  /** Schemas that follow the tenant's own schema in the search_path; default none. */
  readonly lookupSchemas?: readonly string[] | undefined
  /** The environment that the commands inherit. Variables that name a database are replaced: see {@link commandEnvironment}. */
  readonly environment: NodeJS.ProcessEnv
  readonly onProgress: (line: string) => void
}

/** What a run did. */
interface EachTenantResult {
  readonly done: readonly string[]
  /** Number of schemas that earlier runs with this key had finished. */
  readonly before: number
  readonly failed: readonly { readonly schema: string; readonly reason: string }[]
  /** Schemas whose tables differ from the tables of most other schemas after the run. */
  readonly different: readonly string[]
}

interface Registered {
  readonly schema: string
  readonly tenant: string
}

/**
 * Runs a command for the schema of each tenant, then calls `partywall.install_schema()` to protect what the command created. A schema is
 * remembered when both have succeeded, so a second run continues with the other schemas.
 */
export async function eachTenant(options: EachTenantOptions): Promise<EachTenantResult> {
  const { command, key = createHash('sha256').update(command).digest('hex'), concurrency = 1, onProgress } = options
  const envFiles = await envFilesOf(process.cwd())
  const client = new pg.Client({ connectionString: options.databaseUrl })
  await client.connect()
  try {
    const all = await client.query<Registered>(
      `select r.schema_name as schema, r.tenant_id as tenant from partywall.schemas r join pg_catalog.pg_namespace n on n.nspname = r.schema_name order by 1`,
    )
    const known = await client.query<{ schema: string }>(
      'select schema_name as schema from partywall.schema_runs where key = $1',
      [key],
    )
    const finished = new Set(known.rows.map(({ schema }) => schema))
    const waiting = all.rows.filter(({ schema }) => !finished.has(schema))
    const done: string[] = []
    const failed: { schema: string; reason: string }[] = []
    let turn = Promise.resolve()
    /** Protects one schema after the other, because the connection runs one statement at a time. */
    const protect = ({ schema, tenant }: Registered) => {
      const protecting = turn.then(async () => {
        await client.query('call partywall.install_schema($1, $2)', [schema, tenant])
        await client.query('insert into partywall.schema_runs (key, schema_name) values ($1, $2)', [key, schema])
      })
      turn = protecting.catch(() => {})
      return protecting
    }
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { schema } = next
        try {
          await runCommand(next, { ...options, envFiles })
          await protect(next)
          done.push(schema)
          onProgress(`${done.length + failed.length + finished.size}/${all.rows.length} ${schema}: done`)
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error)
          failed.push({ schema, reason })
          onProgress(`${done.length + failed.length + finished.size}/${all.rows.length} ${schema}: ${reason}`)
        }
      }
    }
    await Promise.all(Array.from({ length: Math.max(1, concurrency) }, work))
    return { done, before: finished.size, failed, different: await differentSchemas(client) }
  } finally {
    await client.end()
  }
}

/**
 * Returns the environment of one command. `DATABASE_URL` and `PGOPTIONS` set search_path and tenant, so the tool needs no option for them.
 */
export function environmentFor(
  { schema, tenant }: Registered,
  {
    databaseUrl,
    setting = 'app.current_tenant_id',
    lookupSchemas = [],
  }: Pick<EachTenantOptions, 'databaseUrl' | 'setting' | 'lookupSchemas'>,
): Readonly<Record<string, string>> {
  const path = [schema, ...lookupSchemas].join(',')
  // PostgreSQL splits `options` at spaces, and reads a backslash as an escape, so escape both. FORCE ROW LEVEL SECURITY applies policies to
  // the owner of the tables too. With the tenant's setting, the owner sees only this tenant's rows.
  const escaped = tenant.replace(/[\\\s]/g, '\\$&')
  const settings = `-c search_path=${path} -c ${setting}=${escaped} -c lock_timeout=10s`
  const url = new URL(databaseUrl)
  url.searchParams.set('options', [url.searchParams.get('options') ?? '', settings].filter(Boolean).join(' '))
  return { PARTYWALL_SCHEMA: schema, PARTYWALL_TENANT: tenant, PGOPTIONS: settings, DATABASE_URL: url.href }
}

function runCommand(
  registered: Registered,
  options: EachTenantOptions & { readonly envFiles: readonly string[] },
): Promise<void> {
  const own = environmentFor(registered, options)
  const env = {
    ...commandEnvironment(options.environment, options.envFiles, own['DATABASE_URL'] ?? options.databaseUrl),
    ...own,
  }
  return new Promise((resolve, reject) => {
    const child = spawn(options.command, { shell: true, env, stdio: ['ignore', 'inherit', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString('utf8')}`.slice(-2_000)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`the command ended with ${code ?? 'a signal'}: ${said.trim().split('\n').at(-1) ?? ''}`))
    })
  })
}

/** Returns the schemas whose tables and columns differ from those of the largest group of equal schemas. */
async function differentSchemas(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ schema: string; shape: string }>(`
    select r.schema_name as schema, pg_catalog.md5(coalesce(pg_catalog.string_agg(c.relname || '.' || a.attname || ' ' ||
        pg_catalog.replace(pg_catalog.format_type(a.atttypid, a.atttypmod), r.schema_name || '.', '') || ' ' || a.attnotnull, ',' order by c.relname, a.attname), '')) as shape
    from partywall.schemas r join pg_catalog.pg_namespace n on n.nspname = r.schema_name
    left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    group by 1 order by 1`)
  const counts = new Map<string, number>()
  for (const { shape } of rows) counts.set(shape, (counts.get(shape) ?? 0) + 1)
  const usual = [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
  return rows.filter(({ shape }) => shape !== usual).map(({ schema }) => schema)
}
