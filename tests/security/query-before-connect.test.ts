// pool.Client in the hands of a library: statements that were asked for before connect() has settled.
import Cursor from 'pg-cursor'
import { beforeAll, describe, expect, it } from 'vitest'
import { outsideOfTenants } from '../../src/context/store.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../src/database/settings/options.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

const WHO = `select current_role::text as role, current_setting('app.current_tenant_id', true) as tenant,
  (select array_agg(distinct tenant_id::text) from documents) as seen`

async function withClients(
  options: Partial<TenantPoolOptions>,
  fn: (client: InstanceType<TenantPool['Client']>) => Promise<void>,
): Promise<void> {
  const pool = two.pool(options)
  const client = new pool.Client(two.database.appUrl)
  try {
    await fn(client)
  } finally {
    await client.end()
    await pool.end()
  }
}

describe.each([
  { name: 'sealed', options: {} },
  { name: 'behind a transaction pooler', options: { pooler: 'transaction' as const } },
  { name: 'with a secret that has to be fetched', options: {} as Partial<TenantPoolOptions>, slow: true },
])('a client whose connect() was not awaited, $name', ({ options, slow }) => {
  const given = (): Partial<TenantPoolOptions> =>
    slow === true
      ? {
          seal: {
            secret: async () => {
              await two.database.admin('select pg_sleep(0.05)')
              return two.database.sealSecret
            },
          },
        }
      : options

  it('runs each statement for its own tenant, in the order of the calls', () =>
    withClients(given(), async (client) => {
      const order: string[] = []
      const ask = (tenant: typeof two.a, roles: string[] = []) =>
        two.as(
          tenant,
          async () => {
            const { rows } = await client.query(WHO)
            order.push(tenant.id)
            return rows[0]
          },
          roles,
        )
      const connected = outsideOfTenants(() => client.connect())
      const answers = await Promise.all([ask(two.a), ask(two.b, ['owner']), ask(two.a)])
      expect(answers).toEqual([
        { role: 'tenant_user', tenant: two.a.id, seen: [two.a.id] },
        { role: 'tenant_admin', tenant: two.b.id, seen: [two.b.id] },
        { role: 'tenant_user', tenant: two.a.id, seen: [two.a.id] },
      ])
      expect(order).toEqual([two.a.id, two.b.id, two.a.id])
      await connected
      expect((await two.as(two.b, () => client.query(WHO))).rows[0]).toMatchObject({ seen: [two.b.id] })
    }))

  it('holds cursors and callbacks to the same', () =>
    withClients(given(), async (client) => {
      client.connect(() => {})
      const cursor = two.as(two.a, () => client.query(new Cursor(WHO)))
      const rows = two.as(two.a, () => cursor.read(1))
      expect(await rows).toMatchObject([{ role: 'tenant_user', seen: [two.a.id] }])
      await cursor.close()
    }))

  it('refuses a statement without a context, as ever', () =>
    withClients(given(), async (client) => {
      const connected = client.connect()
      await expect(client.query(WHO)).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
      await connected
    }))
})

describe('a client that can’t be set up', () => {
  it('fails its queued statements, too', async () => {
    const pool = two.pool({ seal: { secret: () => Promise.reject(new Error('no secret today')) } })
    const client = new pool.Client(two.database.appUrl)
    const connected = client.connect()
    const asked = two.as(two.a, () => client.query('select 1'))
    await expect(connected).rejects.toThrow('no secret today')
    await expect(asked).rejects.toMatchObject({ code: 'PARTYWALL_CONNECTION_IN_DOUBT' })
    await pool.end()
  })

  it('fails them where there is no server', async () => {
    const pool = two.pool({})
    const client = new pool.Client('postgres://nobody@127.0.0.1:1/none')
    const connected = client.connect()
    const asked = two.as(two.a, () => client.query('select 1'))
    await expect(connected).rejects.toThrow()
    await expect(asked).rejects.toThrow()
    await pool.end()
  })
})
