// Cost of tickets and seals with very many tenants. Plans that were made while the tables were small must not read whole tables later.
import { createHash } from 'node:crypto'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { SealMaker } from '../../src/seal/seal.ts'
import { lastSecondOf, slotAt } from '../../src/seal/ticket.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

const MANY = 20_000

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

/** Rows of tenant_states that a call reads one after the other, in place of finding them by the index. */
async function rowsRead(client: pg.Client, call: () => Promise<unknown>): Promise<number> {
  await client.query('begin')
  try {
    await call()
    const { rows } = await client.query<{ n: number }>(
      "select seq_tup_read::int as n from pg_stat_xact_all_tables where relid = 'partywall.tenant_states'::regclass",
    )
    return rows[0]?.n ?? Number.NaN
  } finally {
    await client.query('rollback')
  }
}

describe('with many tenants', () => {
  it('registration and the check of a seal read no whole table, with plans of an empty one', async () => {
    const client = new pg.Client({ connectionString: database.adminUrl })
    await client.connect()
    try {
      await client.query('vacuum analyze partywall.tenant_states')
      const maker = new SealMaker(database.sealSecret)
      const { name } = database
      let number = 0
      const register = async () => {
        const hash = createHash('sha256').update(`${++number}`).digest('hex')
        const until = { database: name, notAfter: lastSecondOf(slotAt(Date.now())), now: Date.now() }
        const { text, mac } = maker.registration([{ hash, tenant: `made ${number}` }], until)
        await client.query('select partywall.register_tickets($1, $2)', [text, mac])
      }
      const subject = { tenantId: 'made 1', userId: 'u', actor: '', level: 'tenant_user', readOnly: false } as const
      const pid = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
      const seal = maker.seal(subject, { database: name, backendPid: pid }, Math.floor(Date.now() / 1000) + 3_000)
      await client.query("select set_config('app.tenant_seal', $1, false)", [seal])
      const check = () => client.query('select partywall.sealed_body()')
      // PostgreSQL keeps one plan for all calls after the fifth.
      for (let call = 0; call < 7; call++) {
        await register()
        await check()
      }
      await client.query(
        "insert into partywall.tenant_states (tenant_id) select 'many ' || n from generate_series(1, $1::int) as n",
        [MANY],
      )
      expect(await rowsRead(client, register)).toBe(0)
      expect(await rowsRead(client, check)).toBe(0)
    } finally {
      await client.end()
    }
  })
})
