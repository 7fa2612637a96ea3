import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let pool: TenantPool

beforeAll(async () => {
  two = await createTwoTenants()
  pool = two.pool()
  afterFile(() => pool.end())
})

describe('copyInto', () => {
  it('writes many rows of the tenant in batches, from any iterable', async () => {
    async function* rows() {
      for (let index = 0; index < 250; index++) yield { title: `row ${index}`, body: index % 2 === 0 ? 'even' : null }
    }
    const body = { columns: ['title'], batchSize: 100 }
    expect(await two.as(two.a, () => pool.copyInto('public.documents', rows(), body))).toBe(250)
    const { rows: stored } = await two.database.admin(
      "select tenant_id, count(*)::int as n from documents where title like 'row %' group by 1",
    )
    expect(stored).toEqual([{ tenant_id: two.a.id, n: 250 }])
  })

  it('writes values of all kinds as they were', async () => {
    await two.database.admin(
      'create table public.kinds (n int, at timestamptz, tags text[], doc jsonb, b bytea, f float8)',
    )
    await two.database.admin('grant select, insert on public.kinds to tenant_user')
    const row = {
      n: 1,
      at: new Date(0),
      tags: ['a"', 'b\\', '{c}', ''],
      doc: { x: ["'"] },
      b: Buffer.from([0, 255]),
      f: 0.1,
    }
    await two.as(two.a, () => pool.copyInto('kinds', [row, { n: null }]))
    const { rows } = await two.as(two.a, () => pool.query('select * from kinds order by n nulls last'))
    expect(rows).toEqual([row, { n: null, at: null, tags: null, doc: null, b: null, f: null }])
  })

  it('writes nothing for another tenant, nothing of a batch that fails, and no unknown column', async () => {
    await two.as(two.a, async () => {
      const foreign = [{ title: 'ok' }, { title: 'planted', tenant_id: two.b.id }]
      await expect(pool.copyInto('documents', foreign, { columns: ['title', 'tenant_id'] })).rejects.toMatchObject({
        code: '42501',
      })
      await expect(pool.copyInto('documents', [{ nonsense: 1 }])).rejects.toMatchObject({
        code: 'PARTYWALL_INVALID_INPUT',
      })
      await expect(pool.copyInto('documents"; drop table documents; --', [{ title: 'x' }])).rejects.toMatchObject({
        code: '42P01',
      })
    })
    const { rows } = await two.database.admin(
      "select count(*)::int as n from documents where title in ('ok', 'planted')",
    )
    expect(rows).toEqual([{ n: 0 }])
  })

  it('is what COPY … FROM is refused for', async () => {
    await two.as(two.a, () =>
      expect(pool.query('copy documents from stdin')).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' }),
    )
  })
})

describe('multiStatements', () => {
  it('runs several statements with the tenant in front, unsealed only', async () => {
    await two.database.admin(
      "create table public.open_notes (tenant_id uuid default (nullif(current_setting('app.current_tenant_id', true), '')::uuid), n int)",
    )
    await two.database.admin('alter table open_notes enable row level security')
    await two.database.admin(
      "create policy p on open_notes using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))",
    )
    await two.database.admin('grant select, insert on open_notes to tenant_user')
    const jobs = two.pool({ seal: false, multiStatements: true, max: 2 })
    for (const tenant of [two.a, two.b]) {
      const answer: unknown = await two.as(tenant, () =>
        jobs.query('insert into open_notes (n) values (1); select tenant_id from open_notes'),
      )
      expect(answer).toMatchObject([{ command: 'INSERT' }, { rows: [{ tenant_id: tenant.id }] }])
    }
    const text = 'select 1 as one; select 2 as two'
    const both = [{ rows: [{ one: 1 }] }, { rows: [{ two: 2 }] }]
    const byCallback = (run: (done: (error: unknown, result: unknown) => void) => void) =>
      new Promise((resolve, reject) => run((error, result) => (error ? reject(error) : resolve(result))))
    // Every form without values that pg sends by the simple protocol.
    const forms: Record<string, (client: pg.PoolClient) => Promise<unknown>> = {
      text: () => jobs.query(text),
      'no values': () => jobs.query(text, []),
      config: () => jobs.query({ text }),
      'config without values': (client) => client.query({ text, values: [] }),
      callback: () => byCallback((done) => jobs.query(text, done)),
      'pg.Query': (client) => byCallback((done) => client.query(new pg.Query(text, done))),
    }
    for (const [form, run] of Object.entries(forms)) {
      await two.as(two.a, async () => {
        const client = await jobs.connect()
        expect(await run(client), form).toMatchObject(both)
        client.release()
      })
    }
    await two.as(two.a, () =>
      expect(jobs.query(text.replace('1', '$1'), [1])).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' }),
    )
    // The context ends with the transaction that the text itself ends: what comes behind has neither tenant nor role.
    const behind = 'select 1; commit; select count(*) from open_notes'
    await two.as(two.a, () => expect(jobs.query(behind)).rejects.toMatchObject({ code: '42501' }))
    await jobs.end()
    expect(() => two.pool({ multiStatements: true })).toThrow(
      expect.objectContaining({ code: 'PARTYWALL_CONFIGURATION' }),
    )
  })
})

describe('the options', () => {
  it('are checked at once, all of them, without their values', () => {
    const wrong = { seal: { secret: 'short' }, settingName: 'nodot', searchPath: [], allowStatements: ['DROP TABLE x'] }
    let message = ''
    try {
      Reflect.apply(two.pool, two, [wrong])
    } catch (error) {
      message = String(error)
    }
    for (const path of ['seal', 'settingName', 'searchPath', 'allowStatements.0']) expect(message).toContain(path)
    expect(message).not.toContain('short')
    expect(message).not.toContain('DROP TABLE x')
  })

  it('take a secret from a function, fetched before the first connection serves', async () => {
    let fetched = 0
    const later = two.pool({
      seal: {
        secret: async () => {
          fetched++
          return two.database.sealSecret
        },
      },
    })
    const { rows } = await two.as(two.b, () => later.query('select distinct tenant_id from documents'))
    expect(rows).toEqual([{ tenant_id: two.b.id }])
    expect(fetched).toBe(1)
    await later.end()
  })
})

describe('roles', () => {
  it('decide by the seal what grants alone would let injected SQL do', async () => {
    const raised =
      "with r as materialized (select set_config('role', 'tenant_admin', true)) delete from documents using r returning title"
    const tryDelete = (roles: string[]) =>
      two.as(two.b, () => pool.query('delete from documents returning title'), roles)
    await expect(tryDelete([])).rejects.toMatchObject({ code: '42501' })
    await two.as(two.b, () => pool.query(raised).catch(() => {}))
    const client = await two.as(two.b, () => pool.connect())
    await two.as(two.b, async () => {
      await client.query('begin')
      await client.query("select set_config('role', 'tenant_admin', true)")
      await client.query('delete from documents').catch(() => {})
      await client.query('rollback')
    })
    client.release()
    expect(
      (await two.database.admin('select count(*)::int as n from documents where tenant_id = $1', [two.b.id])).rows,
    ).toEqual([{ n: 1 }])
    expect((await tryDelete(['owner'])).rowCount).toBe(1)
  })

  it('that the login may not become are refused, and the statement never runs', async () => {
    await two.as(two.a, () =>
      expect(pool.query("select set_config('role', 'postgres', true)")).rejects.toMatchObject({ code: '42501' }),
    )
  })
})
