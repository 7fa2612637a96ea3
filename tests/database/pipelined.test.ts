import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { afterFile } from '../setup/after-file.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let proxy: TcpProxy & { url: string }
let pool: TenantPool

beforeAll(async () => {
  two = await createTwoTenants()
  proxy = await TcpProxy.start(two.database.appUrl)
  pool = two.pool({ connectionString: proxy.url, pipelinedConnections: 1, max: 2 })
  pool.on('error', () => {})
  afterFile(async () => {
    await pool.close({ timeoutMs: 1000 })
    await proxy.stop()
  })
})

describe('pipelined connections', () => {
  it('keep tenants apart on one connection, errors and named statements in between', async () => {
    const work = Array.from({ length: 200 }, (_, index) => {
      const tenant = index % 2 === 0 ? two.a : two.b
      return two.as(tenant, async () => {
        if (index % 5 === 0) await expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
        if (index % 7 === 0)
          await expect(pool.query({ name: `broken ${index}`, text: 'select * from nowhere' })).rejects.toMatchObject({
            code: '42P01',
          })
        const { rows } = await pool.query({ name: 'own', text: 'select distinct tenant_id from documents' })
        expect(rows).toEqual([{ tenant_id: tenant.id }])
      })
    })
    await Promise.all(work)
    expect(proxy.connections).toBe(1)
  })

  it('bind only a context statement that is theirs, whatever others parse without a name in between', async () => {
    // Three text parameters, as the context statement has: bound in its place it would take the seal for a value.
    const text =
      'select $1::text as one, $2::text as two, $3::text as three, (select max(tenant_id::text) from documents) as own'
    const work = Array.from({ length: 300 }, (_, index) => {
      const tenant = index % 3 === 0 ? two.a : two.b
      const values = ['x', String(index), 'z']
      return two.as(tenant, async () => {
        if (index % 11 === 0)
          await expect(pool.query('select nonsense from', values)).rejects.toMatchObject({ code: '42601' })
        if (index % 13 === 0) await expect(pool.query('select 1/$1::int', [0])).rejects.toMatchObject({ code: '22012' })
        const { rows } = await pool.query(index % 4 === 0 ? { name: 'three', text, values } : { text, values })
        expect(rows).toEqual([{ one: 'x', two: String(index), three: 'z', own: tenant.id }])
      })
    })
    await Promise.all(work)
  })

  it('parse the context statement once as long as nobody takes the unnamed statement, and write once a turn', async () => {
    const named = () => pool.query({ name: 'own', text: 'select distinct tenant_id from documents' })
    await two.as(two.a, named)
    proxy.reset()
    const rows = await Promise.all(
      Array.from({ length: 50 }, (_, index) => two.as(index % 2 === 0 ? two.a : two.b, named)),
    )
    expect(
      new Set(rows.map((result, index) => result.rows[0].tenant_id === (index % 2 === 0 ? two.a.id : two.b.id))),
    ).toEqual(new Set([true]))
    expect({ parses: proxy.count('P'), syncs: proxy.roundTrips, writes: proxy.writes }).toMatchObject({
      parses: 0,
      syncs: 50,
    })
    expect(proxy.writes).toBeLessThan(10)
    proxy.reset()
    await two.as(two.b, () => pool.query('select 1'))
    await two.as(two.a, named)
    expect(proxy.sequence).toBe('BEBEBEBEBEPBDESBEBEBEBEPBEBDES')
  })

  it('hold no residue against the next: the pins stand in front of each statement', async () => {
    await two.as(two.a, () =>
      pool.query(
        `select set_config('app.current_tenant_id', '${two.b.id}', false), set_config('search_path', 'nowhere', false), set_config('role', 'tenant_admin', false)`,
      ),
    )
    const { rows } = await two.as(two.b, () => pool.query('select tenant_id, current_role as role from documents'))
    expect(rows).toEqual([{ tenant_id: two.b.id, role: 'tenant_user' }])
  })

  it('take nothing new once a tenant has changed what the session reports: encoding, time zone, read-only', async () => {
    const text = `select 'é' as word, current_setting('default_transaction_read_only') as read_only, current_setting('TimeZone') as zone`
    const before = (await two.as(two.b, () => pool.query(text))).rows
    for (const residue of [
      ['client_encoding', 'LATIN1'],
      ['default_transaction_read_only', 'on'],
      ['TimeZone', 'Asia/Tokyo'],
    ]) {
      const poison = two.as(two.a, () => pool.query('select set_config($1, $2, false)', residue))
      // A connection that is never idle is never cleaned: work of others stands behind it.
      const behind = two.as(two.b, () => pool.query('select pg_sleep(0.5)'))
      await poison
      expect((await two.as(two.b, () => pool.query(text))).rows).toEqual(before)
      await behind
    }
  })

  it('go on when the last statement of a connection that a tenant spoilt fails', async () => {
    const spoilt = two.as(two.a, () => pool.query("select set_config('TimeZone', 'Asia/Tokyo', false)"))
    const behind = two.as(two.b, () =>
      expect(pool.query('select pg_sleep(0.2), 1/0')).rejects.toMatchObject({ code: '22012' }),
    )
    await spoilt
    const asked = Array.from({ length: 6 }, () =>
      two.as(two.b, () => pool.query("select current_setting('TimeZone') as zone")),
    )
    for (const { rows } of await Promise.all(asked)) expect(rows[0].zone).not.toBe('Asia/Tokyo')
    await behind
  })

  it.each([
    'default_transaction_read_only',
    'default_transaction_isolation',
    'default_transaction_deferrable',
    'row_security',
  ])('begin each statement as the session began, whatever a tenant made of it: %s', async (name) => {
    const value = name.endsWith('isolation') ? 'serializable' : name === 'row_security' ? 'off' : 'on'
    const spoilt = two.as(two.a, () => pool.query('select set_config($1, $2, false)', [name, value]))
    const asked = Array.from({ length: 4 }, () =>
      two.as(two.b, () =>
        pool.query(
          "insert into documents (title) values ('behind') returning tenant_id, current_setting('transaction_isolation') as isolation",
        ),
      ),
    )
    for (const { rows } of await Promise.all(asked))
      expect(rows).toEqual([{ tenant_id: two.b.id, isolation: 'read committed' }])
    await spoilt
    await two.database.admin("delete from documents where title = 'behind'")
  })

  it('leave transactions to connections of their own', async () => {
    const rows = await two.as(two.a, () =>
      pool.transaction(async (tx) => (await tx.query('select distinct tenant_id from documents')).rows),
    )
    expect(rows).toEqual([{ tenant_id: two.a.id }])
  })

  it('fail what was on its way when they break, and open again', async () => {
    const running = Promise.allSettled([1, 2, 3].map(() => two.as(two.a, () => pool.query('select pg_sleep(1)'))))
    await new Promise((resolve) => setTimeout(resolve, 50))
    proxy.cut()
    expect((await running).map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected'])
    const { rows } = await two.as(two.b, () => pool.query('select distinct tenant_id from documents'))
    expect(rows).toEqual([{ tenant_id: two.b.id }])
  })

  it('are refused where temporary objects may be made', async () => {
    await two.database.admin(`grant temporary on database ${two.database.name} to tenant_user`)
    const other = two.pool({ pipelinedConnections: 1 })
    await expect(two.as(two.a, () => other.query('select 1'))).rejects.toMatchObject({
      code: 'PARTYWALL_CONFIGURATION',
    })
    await other.close({ timeoutMs: 500 })
    await two.database.admin(`revoke temporary on database ${two.database.name} from tenant_user`)
  })
})
