import { createHash, randomBytes } from 'node:crypto'
import pg from 'pg'
import type { ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import { migrate } from '../../src/migrate/migrate.ts'
import { slotAt, TicketMaker, ticketHash } from '../../src/seal/ticket.ts'
import { wallSql } from './walled-table.ts'

/** The ways of keeping tenants apart that are compared, each on tables of its own with the same rows. */
export const WALLS = ['plain', 'unsealed', 'sealed'] as const
export type Wall = (typeof WALLS)[number]

const TENANTS = 20
const ROWS = 200
/** Few, so that the statements of each schema are planned for good in the first statements of a connection. */
const PLACED = 4

export interface Stage {
  readonly url: string
  readonly secret: string
  readonly tenants: readonly string[]
  /** The schema of each tenant that has one of its own, with tables like those of the wall `sealed`. */
  readonly schemas: ReadonlyMap<string, string>
}

export async function fillStage(server: ThrowAwayServer): Promise<Stage> {
  const database = await server.createDatabase()
  const secret = randomBytes(32).toString('hex')
  await migrate({ databaseUrl: server.url(database), sealSecret: secret })
  const client = new pg.Client({ connectionString: server.url(database) })
  await client.connect()
  const tenants = Array.from({ length: TENANTS }, (_, place) => `00000000-0000-4000-8000-0000000000${place + 10}`)
  await client.query(`create role counted_app login noinherit password 'x'; grant tenant_user to counted_app`)
  for (const wall of WALLS)
    for (const table of [wall, `${wall}_2`, `${wall}_3`]) await client.query(tableSql(wall, table, tenants))
  const schemas = new Map<string, string>()
  for (let place = 0; place < PLACED; place++) {
    const [tenantId, schema] = [`00000000-0000-4000-8000-0000000001${place + 10}`, `placed_${place}`]
    await client.query(schemaSql(schema, tenantId))
    schemas.set(tenantId, schema)
  }
  // Register the tickets before the first statement, or a registration would be counted too.
  const now = slotAt(Date.now())
  for (const slot of [now, now + 1])
    for (const tenantId of [...tenants, ...schemas.keys()]) {
      const placement = schemas.get(tenantId) ?? ''
      const ticket = new TicketMaker(secret).ticket({ database, tenantId, readOnly: false, placement }, slot)
      const mark = placement === '' ? '' : createHash('sha256').update(tenantId).digest('hex')
      await client.query(
        "insert into partywall.tickets (hash, tenant_id, not_after, mark) values (decode($1, 'hex'), $2, 'infinity', $3)",
        [ticketHash(ticket), tenantId, mark],
      )
    }
  await client.query('vacuum analyze')
  await client.end()
  return { url: server.urlAs('counted_app', 'x', database), secret, tenants, schemas }
}

function tableSql(wall: Wall, table: string, tenants: readonly string[]): string {
  return `
    create table ${table} (tenant_id uuid not null, id integer not null, title text not null, primary key (tenant_id, id));
    insert into ${table} select t::uuid, r, 'title' from unnest('{${tenants.join(',')}}'::text[]) t, generate_series(1, ${ROWS}) r;
    grant select, insert, update on ${table} to tenant_user, counted_app;
    ${wall === 'plain' ? '' : wallSql(table, wall === 'sealed')}`
}

/** Its tables have as many rows as the shared ones: PostgreSQL reads a smaller table as a whole, without its index. */
function schemaSql(schema: string, tenantId: string): string {
  const tables = ['sealed', 'sealed_2', 'sealed_3'].map(
    (table) => `
    create table ${schema}.${table} (like public.${table} including all);
    insert into ${schema}.${table} select '${tenantId}', r, 'title' from generate_series(1, ${TENANTS * ROWS}) r;`,
  )
  return `create schema ${schema}; ${tables.join('')} call partywall.install_schema('${schema}', '${tenantId}')`
}
