import { randomBytes } from 'node:crypto'
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

export interface Stage {
  readonly url: string
  readonly secret: string
  readonly tenants: readonly string[]
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
  // Register the tickets before the first statement, or a registration would be counted too.
  const now = slotAt(Date.now())
  for (const slot of [now, now + 1])
    for (const tenantId of tenants) {
      const ticket = new TicketMaker(secret).ticket({ database, tenantId, readOnly: false }, slot)
      await client.query("insert into partywall.tickets values (decode($1, 'hex'), $2, 'infinity')", [
        ticketHash(ticket),
        tenantId,
      ])
    }
  await client.query('vacuum analyze')
  await client.end()
  return { url: server.urlAs('counted_app', 'x', database), secret, tenants }
}

function tableSql(wall: Wall, table: string, tenants: readonly string[]): string {
  return `
    create table ${table} (tenant_id uuid not null, id integer not null, title text not null, primary key (tenant_id, id));
    insert into ${table} select t::uuid, r, 'title' from unnest('{${tenants.join(',')}}'::text[]) t, generate_series(1, ${ROWS}) r;
    grant select, insert, update on ${table} to tenant_user, counted_app;
    ${wall === 'plain' ? '' : wallSql(table, wall === 'sealed')}`
}
