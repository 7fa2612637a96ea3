// Question: what do many rows at once cost under the seal? One statement with 1,000 rows, against the same statement on raw pg; copyInto of
// 100,000 rows, against COPY … FROM on raw pg, which PostgreSQL refuses on tables with row-level security.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { runWithTenant } from '../src/context/run-with-tenant.ts'
import { createTenantPool } from '../src/database/pool/create-tenant-pool.ts'
import { startPostgres } from '../src/embedded/start-postgres.ts'
import { silentLogger } from '../src/logger/logger.ts'
import { migrate } from '../src/migrate/migrate.ts'
import type { Bench } from './harness/contract.ts'
import { judge } from './harness/ratio.ts'
import { copyFromClient } from './statements/copy-from.ts'
import { wallSql } from './statements/walled-table.ts'

const TENANT = '00000000-0000-4000-8000-00000000000a'
const IN_ONE_STATEMENT = 1_000
const STATEMENTS = 20
const COPIED = 100_000

const columns = `tenant_id uuid not null default nullif(current_setting('app.current_tenant_id', true), '')::uuid,
  id integer not null, title text not null, primary key (tenant_id, id)`

/** One INSERT of 1,000 rows, which lists its values as ORMs do. */
const insertMany = (table: string) => ({
  text: `insert into ${table} (tenant_id, id, title) values ${Array.from({ length: IN_ONE_STATEMENT }, (_, row) => `($1, $2 + ${row}, 'a title')`).join(', ')}`,
  values: (first: number) => [TENANT, first],
})

function* lines(): Generator<string> {
  for (let id = 0; id < COPIED; id++) yield `${TENANT}\t${id}\ta title\n`
}

function* rows(): Generator<{ id: number; title: string }> {
  for (let id = 0; id < COPIED; id++) yield { id, title: 'a title' }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

export const bench: Bench = {
  name: 'bulk',
  question: 'what do 1,000 rows in one statement, and 100,000 rows through copyInto, cost under the seal?',
  async run({ runs, log }) {
    const server = await startPostgres()
    try {
      const database = await server.createDatabase()
      const secret = randomBytes(32).toString('hex')
      await migrate({ databaseUrl: server.url(database), sealSecret: secret })
      const raw = new pg.Pool({ connectionString: server.url(database), max: 1 })
      raw.on('error', () => {})
      await raw.query(`create table plain (${columns}); create table walled (${columns}); ${wallSql('walled', true)}
        create role bulk_app login noinherit password 'x'; grant tenant_user to bulk_app;
        grant select, insert on walled to tenant_user`)
      const pool = createTenantPool({
        connectionString: server.urlAs('bulk_app', 'x', database),
        max: 1,
        seal: { secret },
        roles: { tenant_admin: ['owner'] },
        statementTimeoutMs: 120_000,
        logger: silentLogger,
      })
      const asTenant = <T>(work: () => Promise<T>) => runWithTenant({ tenantId: TENANT, userId: 'u' }, work)
      const many = { plain: insertMany('plain'), walled: insertMany('walled') }
      const statements = async (run: (first: number) => Promise<unknown>) => {
        for (let n = 0; n < STATEMENTS; n++) await run(n * IN_ONE_STATEMENT)
      }
      const copyRaw = async () => {
        const client = await raw.connect()
        await copyFromClient(client, 'copy plain (tenant_id, id, title) from stdin', lines())
        client.release()
      }
      const inserts: number[] = []
      const copies: number[] = []
      const failures = new Set<string>()
      const expectRows = async (count: number) => {
        const { rows: counted } = await raw.query(
          'select (select count(*) from plain)::int as plain, (select count(*) from walled)::int as walled',
        )
        if (counted[0]?.plain !== count || counted[0]?.walled !== count)
          failures.add(`${counted[0]?.plain} and ${counted[0]?.walled} rows in place of ${count}`)
        await raw.query('truncate plain, walled')
        await raw.query('checkpoint')
      }
      for (let run = 0; run <= runs; run++) {
        const plain = await timed(() => statements((first) => raw.query(many.plain.text, many.plain.values(first))))
        const walled = await timed(() =>
          asTenant(() => statements((first) => pool.query(many.walled.text, many.walled.values(first)))),
        )
        await expectRows(STATEMENTS * IN_ONE_STATEMENT)
        const copied = await timed(copyRaw)
        const copiedInto = await timed(() => asTenant(() => pool.copyInto('walled', rows())))
        await expectRows(COPIED)
        // The first run warms both sides.
        if (run === 0) continue
        inserts.push(plain / walled)
        copies.push(copied / copiedInto)
        log(`1,000 rows ${(plain / walled).toFixed(2)}, copyInto ${(copied / copiedInto).toFixed(2)}`)
      }
      await pool.end()
      await raw.end()
      return {
        goals: [
          judge('insert of 1,000 rows in one statement, sealed, x raw pg', inserts, 0.6),
          judge('copyInto of 100,000 rows, sealed, x COPY on raw pg', copies, 0.3),
        ],
        details: { rowsOfOneStatement: IN_ONE_STATEMENT, statements: STATEMENTS, copied: COPIED },
        failures: [...failures],
      }
    } finally {
      await server.stop()
    }
  },
}
