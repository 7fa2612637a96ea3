// Question: what does a sealed statement cost in a tenant's own schema, compared with shared tables? One server and one pool each, the same
// rows, both sides in turn in each run. Below 0.91 of the throughput we would look at the policies of schemas again.
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { packageRoot } from '../src/config/package-root.ts'
import { runWithTenant } from '../src/context/run-with-tenant.ts'
import { createTenantPool } from '../src/database/pool/create-tenant-pool.ts'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import { silentLogger } from '../src/logger/logger.ts'
import { migrate } from '../src/migrate/migrate.ts'
import type { Bench } from './harness/contract.ts'
import { judge } from './harness/ratio.ts'
import { throughput } from './harness/throughput.ts'

const CALLERS = 32
const CONNECTIONS = 10
const FOR_MS = 700
const TENANTS = 10
const ROWS = 1_000

interface Place {
  readonly id: string
  readonly schema: string | undefined
}

/** Tenants of both kinds, with the same rows in tables of the same shape. */
async function fill(url: string): Promise<readonly Place[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const file of ['0001_example_schema.sql', 'enable-rls-policies.sql'])
    await client.query(await readFile(join(packageRoot(), 'migrations', file), 'utf8'))
  const places: Place[] = []
  for (let n = 0; n < 2 * TENANTS; n++) {
    const made = await client.query("insert into public.tenants (key, name) values ($1, 'bench') returning id", [
      `bench-${n}`,
    ])
    const id: string = made.rows[0].id
    const schema = n % 2 === 0 ? undefined : `bench_${n}`
    if (schema !== undefined)
      await client.query(
        `create schema ${schema} authorization app_owner; create table ${schema}.documents (like public.documents including all);
         alter table ${schema}.documents owner to app_owner; call partywall.install_schema('${schema}', '${id}')`,
      )
    await client.query(
      `insert into ${schema ?? 'public'}.documents (tenant_id, id, title) select '${id}', md5('${id}' || g)::uuid, 'title ' || g from generate_series(1, ${ROWS}) g`,
    )
    places.push({ id, schema })
  }
  await client.query('vacuum analyze')
  await client.end()
  return places
}

/** The id that `fill` gives to a row. */
function idOf(tenant: string, row: number): string {
  return createHash('md5').update(`${tenant}${row}`).digest('hex')
}

export const bench: Bench = {
  name: 'schema',
  question: `what does a sealed statement cost in a tenant’s schema, at ${CALLERS} callers and ${CONNECTIONS} connections?`,
  async run({ runs, log }) {
    const server = await startPostgres()
    const secret = randomBytes(32).toString('hex')
    try {
      const name = await server.createDatabase()
      await migrate({ databaseUrl: server.url(name), sealSecret: secret })
      const places = await fill(server.url(name))
      const client = new pg.Client({ connectionString: server.url(name) })
      await client.connect()
      await client.query("alter role app password 'bench'")
      await client.end()
      const connectionString = server.urlAs('app', 'bench', name)
      const open = () =>
        createTenantPool({ connectionString, max: CONNECTIONS, seal: { secret }, roles: {}, logger: silentLogger })
      const perSecond = async (pool: ReturnType<typeof open>, tenants: readonly Place[]) => {
        const measured = await throughput(
          async (round) => {
            const tenant = tenants[round % tenants.length]
            if (tenant === undefined) throw new Error('no tenant')
            const placement = tenant.schema === undefined ? undefined : { schema: tenant.schema }
            const query = {
              text: 'select title from documents where tenant_id = $1 and id = $2',
              values: [tenant.id, idOf(tenant.id, (round % ROWS) + 1)],
              prepare: true,
            }
            const { rowCount } = await runWithTenant({ tenantId: tenant.id, userId: 'u', placement }, () =>
              pool.query(query),
            )
            if (rowCount !== 1) throw new Error(`${rowCount} rows in place of 1`)
          },
          { callers: CALLERS, forMs: FOR_MS },
        )
        return measured.perSecond
      }
      const sides = { shared: open(), schema: open() }
      // If a run fails, the server stops with connections open, and the run's own error counts.
      for (const pool of Object.values(sides)) pool.on('error', () => {})
      const ratios: number[] = []
      for (let run = -1; run < runs; run++) {
        const shared = await perSecond(
          sides.shared,
          places.filter(({ schema }) => schema === undefined),
        )
        const placed = await perSecond(
          sides.schema,
          places.filter(({ schema }) => schema !== undefined),
        )
        log(`shared ${Math.round(shared)}/s, schema ${Math.round(placed)}/s`)
        if (run >= 0) ratios.push(placed / shared)
      }
      await Promise.all([sides.shared.end(), sides.schema.end()])
      return { goals: [judge('select by key in a schema, x shared table', ratios, 0.91)], details: {}, failures: [] }
    } finally {
      await server.stop()
    }
  },
}
