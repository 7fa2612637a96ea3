import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { openThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { afterFile } from './after-file.ts'

/** A database of one test file. */
export interface TestDatabase {
  readonly name: string
  readonly adminUrl: string
  /** The application's login role `app`. */
  readonly appUrl: string
  /** The login role of `runAcrossTenants`. */
  readonly acrossUrl: string
  /** The root secret whose seal key the database knows. */
  readonly sealSecret: string
  readonly appPassword: string
  /** Runs as superuser, past every policy: for planting and for judging. */
  admin(text: string, values?: readonly unknown[]): Promise<pg.QueryResult>
}

export interface TestTenant {
  readonly id: string
  readonly key: string
  readonly userId: string
  readonly projectId: string
  readonly documentId: string
}

/**
 * A clone of the migrated example database (`migrated: false`: an empty one), dropped when the file's tests are over.
 * Call it at the top of a `describe`, or inside `beforeAll`.
 */
export async function createTestDatabase(options: { readonly migrated?: boolean } = {}): Promise<TestDatabase> {
  const provided = inject('postgres')
  const server = await openThrowAwayServer(provided.url, { external: true, end: async () => {} })
  const name = await server.createDatabase(options.migrated === false ? {} : { template: provided.template })
  const adminUrl = server.url(name)
  const pool = new pg.Pool({ connectionString: adminUrl, max: 2 })
  pool.on('error', () => {}) // the database is dropped with connections open
  afterFile(async () => {
    await pool.end()
    await server.dropDatabase(name)
  })
  return {
    name,
    adminUrl,
    appUrl: server.urlAs('app', provided.appPassword, name),
    acrossUrl: server.urlAs('app_across', provided.appPassword, name),
    sealSecret: provided.sealSecret,
    appPassword: provided.appPassword,
    admin: (text, values) => pool.query(text, values === undefined ? undefined : [...values]),
  }
}

/** Plants a tenant of the example schema with one user, one project and one document. */
export async function createTestTenant(
  database: TestDatabase,
  options: { readonly tier?: string; readonly status?: string } = {},
): Promise<TestTenant> {
  const key = `tenant-${randomUUID().slice(0, 8)}`
  const tenant = await database.admin(
    'insert into public.tenants (key, name, status, tier) values ($1, $1, $2, $3) returning id',
    [key, options.status ?? 'active', options.tier ?? 'free'],
  )
  const id: string = tenant.rows[0].id
  const user = await database.admin(
    "insert into public.users (tenant_id, email, name, role) values ($1, 'owner@example.com', 'Owner', 'owner') returning id",
    [id],
  )
  const userId: string = user.rows[0].id
  const project = await database.admin(
    "insert into public.projects (tenant_id, name, owner_id) values ($1, 'First project', $2) returning id",
    [id, userId],
  )
  const projectId: string = project.rows[0].id
  const document = await database.admin(
    `insert into public.documents (tenant_id, project_id, title, body, created_by)
       values ($1, $2, 'First document', $3, $4) returning id`,
    [id, projectId, `secret of ${key}`, userId],
  )
  return { id, key, userId, projectId, documentId: document.rows[0].id }
}
