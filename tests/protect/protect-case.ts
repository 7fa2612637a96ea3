import pg from 'pg'
import { inject } from 'vitest'
import { type PlanOptions, planFor } from '../../cli/protect/protect-plan.ts'
import { openThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { renderSql } from '../../src/protect/render/sql.ts'
import type { VerifyOptions } from '../../src/verify/options.ts'
import { splitStatements } from '../../src/verify/sources/split-statements.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { FINGERPRINT } from './fingerprint.ts'

const PASSWORD = 'of-one-test'

/** A database of one's own: `app` is the application's login, `owner` owns the tables and is no superuser. */
export interface ProtectCase {
  readonly appRole: string
  readonly ownerUrl: string
  readonly adminUrl: string
  readonly owner: pg.Client
  readonly admin: pg.Client
  readonly app: pg.Client
  plan(options?: Partial<PlanOptions>): Promise<ProtectPlan>
  /** The schema as far as protect changes it; two equal texts are two equal schemas. */
  fingerprint(): Promise<string>
  /** Problems that verify finds, medium and above. */
  problems(options?: Omit<VerifyOptions, 'databaseUrl'>): Promise<readonly string[]>
  /** Runs as the app in one transaction with this tenant. */
  as<T>(tenant: string, work: (client: pg.Client) => Promise<T>): Promise<T>
}

let counter = 0

export async function withProtectCase(
  schemaSql: string,
  work: (given: ProtectCase) => Promise<void>,
  setting = 'app.current_tenant_id',
): Promise<void> {
  const provided = inject('postgres')
  const server = await openThrowAwayServer(provided.url, { external: true, end: async () => {} })
  counter += 1
  const names = ['app', 'owner'].map((name) => `protect_${name}_${process.pid}_${counter}`)
  const [appRole = '', ownerRole = ''] = names
  const database = await server.createDatabase()
  const cluster = await open(provided.url)
  const clients: pg.Client[] = [cluster]
  try {
    for (const name of names) await cluster.query(`create role ${name} login password '${PASSWORD}'`)
    await cluster.query(`alter database ${database} owner to ${ownerRole}`)
    await cluster.query(`grant temporary on database ${database} to public`)
    const admin = await open(server.url(database))
    const owner = await open(server.urlAs(ownerRole, PASSWORD, database))
    const app = await open(server.urlAs(appRole, PASSWORD, database))
    clients.push(admin, owner, app)
    await admin.query(`grant create, usage on schema public to ${ownerRole}; create extension if not exists citext`)
    await owner.query(schemaSql.replaceAll('{app}', appRole))
    const ownerUrl = server.urlAs(ownerRole, PASSWORD, database)
    await work({
      appRole,
      ownerUrl,
      adminUrl: server.url(database),
      owner,
      admin,
      app,
      plan: (options = {}) => planFor({ databaseUrl: ownerUrl, seal: false, ...options }),
      fingerprint: async () => (await admin.query(FINGERPRINT)).rows.map((row) => row.line).join('\n'),
      problems: async (options = {}) => {
        const report = await verifyDatabase({ appRole, mode: 'attack', ...options, databaseUrl: server.url(database) })
        const errors = report.summary.internalErrors.map((error) => `${error.where}: ${error.message}`)
        return [
          ...errors,
          ...report.findings
            .filter((finding) => !['info', 'low'].includes(finding.severity))
            .map((finding) => `${finding.severity} ${finding.key}: ${finding.message} ${finding.evidence.join('; ')}`),
        ]
      },
      as: async (tenant, each) => {
        await app.query('begin')
        try {
          await app.query('select set_config($1, $2, true)', [setting, tenant])
          const result = await each(app)
          await app.query('commit')
          return result
        } catch (error) {
          await app.query('rollback')
          throw error
        }
      },
    })
  } finally {
    for (const client of clients.slice(1)) await client.end()
    await server.dropDatabase(database)
    for (const name of names) await cluster.query(`drop owned by ${name}; drop role ${name}`).catch(() => {})
    await cluster.end()
  }
}

async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // the database is dropped under it when a test fails
  await client.connect()
  return client
}

/** Statement by statement, as psql -f does. `limit`: the server dies after so many. */
export async function apply(
  client: pg.Client,
  plan: ProtectPlan,
  direction: 'up' | 'down',
  limit = Number.POSITIVE_INFINITY,
): Promise<number> {
  const files = renderSql(plan, []).filter((file) => file.path.endsWith(`.${direction}.sql`))
  const ordered = direction === 'up' ? files : files.toReversed()
  let ran = 0
  for (const file of ordered) {
    for (const statement of splitStatements(file.content).statements) {
      if (ran === limit) {
        await client.query('rollback')
        return ran
      }
      try {
        await client.query(statement.text)
      } catch (error) {
        await client.query('rollback')
        throw new Error(
          `${file.path}:${statement.line}: ${error instanceof Error ? error.message : error}\n${statement.text}`,
          {
            cause: error,
          },
        )
      }
      ran += 1
    }
  }
  return ran
}
