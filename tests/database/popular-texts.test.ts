// Texts that a pool sends often are prepared by themselves: when, under which name, for how long. PostgreSQL's messages are counted by a proxy.
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text as textColumn, uuid } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { type PgBouncer, startPgBouncer } from '../../leak-hunt/servers/pgbouncer.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let proxy: TcpProxy & { url: string }
let pool: TenantPool
let bouncer: PgBouncer
let texts = 0

/** A text that no test has sent before. */
const fresh = (from = 'documents') => `select id, tenant_id, title from ${from} where title <> 'text ${++texts}'`

beforeAll(async () => {
  two = await createTwoTenants()
  proxy = await TcpProxy.start(two.database.appUrl)
  bouncer = await startPgBouncer(two.database.appUrl, 1)
  pool = two.pool({ connectionString: proxy.url, allowStatements: ['DO', 'DECLARE', 'EXPLAIN'] })
  return async () => {
    await pool.end()
    await proxy.stop()
    await bouncer.stop()
  }
})

/** Sends a text for both tenants in turn, so that it becomes popular. */
async function popularize(on: TenantPool, config: string | pg.QueryConfig, times = 6): Promise<void> {
  for (let time = 0; time < times; time++) await two.as(time % 2 === 0 ? two.a : two.b, () => on.query(config))
}

/** The messages of one statement of A. */
async function wire(config: string | pg.QueryConfig, on: TenantPool = pool): Promise<string> {
  await two.as(two.a, () => on.query('select 1'))
  proxy.reset()
  await two.as(two.a, () => on.query(config))
  return proxy.sequence
}

async function prepared(on: TenantPool = pool): Promise<string[]> {
  const text = `select statement from pg_prepared_statements where name ~ '^partywall_[0-9a-f]{16}_' /* ${++texts} */`
  const { rows } = await two.as(two.a, () => on.query(text))
  return rows.map(({ statement }) => statement)
}

const KNOWN = 'BEBEBES'
const PARSED = 'BEBEPBDES'

describe('a text without a name', () => {
  it('is prepared at its fifth sending, and from then on neither parsed nor described', async () => {
    const text = fresh()
    await popularize(pool, text, 4)
    expect(await prepared()).not.toContain(text)
    expect(await wire(text)).toBe(PARSED)
    expect(await prepared()).toContain(text)
    expect(await wire(text)).toBe(KNOWN)
  })

  it('is never prepared as long as one tenant alone sends it', async () => {
    const text = fresh()
    for (let time = 0; time < 20; time++) await two.as(two.a, () => pool.query(text))
    expect(await prepared()).not.toContain(text)
    await two.as(two.b, () => pool.query(text))
    expect(await prepared()).toContain(text)
  })

  it('is prepared at the sending that prepareThreshold says, never with 0', async () => {
    const early = two.pool({ prepareThreshold: 2 })
    const never = two.pool({ prepareThreshold: 0 })
    const text = fresh()
    await popularize(early, text, 2)
    await popularize(never, text, 50)
    expect(await prepared(early)).toEqual([text])
    expect(await prepared(never)).toEqual([])
    await two.as(two.a, () => never.query(Object.assign({ text }, { prepare: true })))
    expect(await prepared(never)).toEqual([text])
    await Promise.all([early.end(), never.end()])
  })

  it.each([-1, 1.5, '5'])('refuses prepareThreshold: %j', (prepareThreshold) => {
    expect(() => two.pool({ prepareThreshold: prepareThreshold as number })).toThrow(/prepareThreshold/)
  })

  it('is sent without a name if it has more than 10,000 characters', async () => {
    const long = `select 1 ${'+ 1 '.repeat(2_500)} as sum`
    await popularize(pool, long, 12)
    await two.as(two.a, () => pool.query(Object.assign({ text: long }, { prepare: true })))
    expect(await prepared()).not.toContain(long)
  })

  it('is known at once on a new connection of the pool', async () => {
    const own = two.pool()
    const text = fresh()
    await popularize(own, text)
    const client = await two.as(two.a, () => own.connect())
    client.release(true)
    await two.as(two.b, () => own.query(text))
    expect(await prepared(own)).toEqual([text])
    await own.end()
  })

  it('has one name for each database role', async () => {
    const text = fresh()
    await popularize(pool, text)
    for (const role of ['owner', 'member', 'owner']) await two.as(two.a, () => pool.query(text), [role])
    expect((await prepared()).filter((each) => each === text)).toHaveLength(2)
  })

  it('is sent without a name behind a pooler, on shared connections and with multiStatements', async () => {
    const pooled = two.pool({ connectionString: bouncer.url, pooler: 'transaction', max: 2 })
    const shared = two.pool({ pipelinedConnections: 1, max: 1 })
    const several = two.pool({ multiStatements: true, seal: false })
    for (const one of [pooled, shared, several]) {
      await popularize(one, { text: `${fresh()} and $1`, values: [true] }, 12)
      expect(await prepared(one)).toEqual([])
      await one.close()
    }
  })

  it('is sent without a name with rows, portal and binary', async () => {
    const plain = fresh()
    for (const config of [{ rows: 5 }, { portal: 'p' }, { binary: true }]) {
      await popularize(pool, { text: plain, ...config } as unknown as pg.QueryConfig, 12)
    }
    expect(await prepared()).not.toContain(plain)
  })

  it('that is no query or write is not prepared: a cursor’s columns differ each time', async () => {
    const columns = async (tenant: 'a' | 'b', query: string) =>
      two.as(two[tenant], () =>
        pool.transaction(async (tx) => {
          await tx.query(`declare mine cursor for ${query}`)
          return (await tx.query('fetch all from mine')).rows
        }),
      )
    for (let time = 0; time < 10; time++) {
      expect(await columns(time % 2 === 0 ? 'a' : 'b', `select ${time} as c${time}`)).toEqual([{ [`c${time}`]: time }])
    }
    await popularize(pool, 'explain select 1', 12)
    expect(await prepared()).not.toContain('explain select 1')
  })
})

describe('a text that is prepared', () => {
  it('takes values of any kind, as pg sends them without a name', async () => {
    const text = 'select $1::text as t, $2::int[] as list, $3::jsonb as j, $4::timestamptz as at, $5::bytea as b'
    const at = new Date(0)
    const mixed: unknown[][] = [
      ['schön 🧱', [1, 2], { a: 'ü' }, at, Buffer.from([0, 255])],
      [null, null, null, null, null],
      [7, '{3}', '[1]', '1970-01-01T00:00:00Z', '\\x00ff'],
      [true, [], '[1]', at.toISOString(), Buffer.alloc(0)],
    ]
    const expected = [
      { t: 'schön 🧱', list: [1, 2], j: { a: 'ü' }, at, b: Buffer.from([0, 255]) },
      { t: null, list: null, j: null, at: null, b: null },
      { t: '7', list: [3], j: [1], at, b: Buffer.from([0, 255]) },
      { t: 'true', list: [], j: [1], at, b: Buffer.alloc(0) },
    ]
    for (let time = 0; time < 24; time++) {
      const values = mixed[time % 4] ?? []
      const { rows } = await two.as(time % 2 === 0 ? two.a : two.b, () => pool.query(text, values))
      expect(rows).toEqual([expected[time % 4]])
    }
    expect(await prepared()).toContain(text)
  })

  it('infers the types of its values from the text alone, whatever comes first', async () => {
    const text = 'select $1 as untyped, $2 + 1 as sum'
    const firsts = ['a', 5, null, true, 'a', new Date(0), 'b']
    for (const [n, first] of firsts.entries()) {
      const { rows } = await two.as(n % 2 === 0 ? two.a : two.b, () =>
        pool.query<{ untyped: unknown; sum: number }>(text, [first, n % 3 === 0 ? n : String(n)]),
      )
      expect(rows).toEqual([{ untyped: first === null ? null : expect.any(String), sum: n + 1 }])
    }
    expect(await prepared()).toContain(text)
    await expect(two.as(two.a, () => pool.query(text, ['a', 'no number']))).rejects.toMatchObject({ code: '22P02' })
    expect((await two.as(two.a, () => pool.query(text, ['a', 1]))).rows).toEqual([{ untyped: 'a', sum: 2 }])
  })

  it('takes the row mode and the parsers of each call, which ORMs give', async () => {
    const text = 'select 1 as n, 2 as m'
    const asText = { getTypeParser: () => (value: unknown) => `text ${value}` } as unknown as pg.CustomTypesConfig
    await popularize(pool, { text, types: asText })
    expect(await prepared()).toContain(text)
    expect((await two.as(two.a, () => pool.query({ text, rowMode: 'array' }))).rows).toEqual([[1, 2]])
    expect((await two.as(two.a, () => pool.query({ text, rowMode: 'array', types: asText }))).rows).toEqual([
      ['text 1', 'text 2'],
    ])
    expect((await two.as(two.a, () => pool.query({ text, types: asText }))).rows).toEqual([
      { n: 'text 1', m: 'text 2' },
    ])
    expect((await two.as(two.a, () => pool.query(text))).rows).toEqual([{ n: 1, m: 2 }])
  })

  it('is prepared anew, under another name, after DISCARD ALL has taken it away', async () => {
    const text = fresh()
    const name = async () => {
      const asked = { text: 'select name from pg_prepared_statements where statement = $1', values: [text] }
      return (await two.as(two.a, () => pool.query(asked))).rows[0]?.name
    }
    await popularize(pool, text)
    const before = await name()
    await two.as(two.a, () => pool.query('do $$ begin end $$'))
    expect(await prepared()).toEqual([])
    expect(await wire(text)).toBe(PARSED)
    expect(await wire(text)).toBe(KNOWN)
    expect([undefined, before]).not.toContain(await name())
  })

  it('stays prepared after an error of its values, and an error of its text does not stay', async () => {
    const text = 'select 10 / $1::int as tenth'
    await popularize(pool, { text, values: [1] })
    await expect(two.as(two.a, () => pool.query(text, [0]))).rejects.toMatchObject({ code: '22012' })
    expect(await wire({ text, values: [5] })).toBe(KNOWN)
    const broken = 'select nowhere_to_be_found'
    for (let time = 0; time < 12; time++) {
      const tenant = time % 2 === 0 ? two.a : two.b
      await expect(two.as(tenant, () => pool.query(broken))).rejects.toMatchObject({ code: '42703' })
    }
    expect((await two.as(two.a, () => pool.query(text, [2]))).rows).toEqual([{ tenth: 5 }])
  })

  it('fails alone where a value can not be sent, the first time and later', async () => {
    const text = 'select $1::text as unsendable'
    const unsendable = {
      toPostgres() {
        throw new Error('no such value')
      },
    }
    await popularize(pool, { text, values: ['x'] }, 4)
    for (let time = 0; time < 3; time++) {
      await expect(two.as(two.a, () => pool.query(text, [unsendable]))).rejects.toThrow('no such value')
      expect((await two.as(two.b, () => pool.query(text, ['y']))).rows).toEqual([{ unsendable: 'y' }])
    }
    expect(await prepared()).toContain(text)
  })

  it('is sent without its name inside a transaction, also in one that has failed', async () => {
    const text = fresh()
    await popularize(pool, text)
    await two.as(two.a, () =>
      pool.transaction(async (tx) => {
        await tx.query('select 1')
        proxy.reset()
        expect((await tx.query(text)).rows).toMatchObject([{ tenant_id: two.a.id }])
        expect(proxy.sequence).toBe('BEPBDES')
      }),
    )
    const client = await two.as(two.a, () => pool.connect())
    await two.as(two.a, async () => {
      await client.query('begin')
      await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
      await expect(client.query(text)).rejects.toMatchObject({ code: '25P02' })
      await client.query('rollback')
    })
    client.release()
    expect(await wire(text)).toBe(KNOWN)
  })

  it('answers many callers on few connections, each with its own rows', async () => {
    const busy = two.pool({ max: 3, perTenantConnections: 3 })
    const text = 'select tenant_id, $1::int as n from documents'
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, n) => two.as(n % 2 === 0 ? two.a : two.b, () => busy.query(text, [n]))),
    )
    for (const [n, { rows }] of answers.entries())
      expect(rows).toEqual([{ tenant_id: n % 2 === 0 ? two.a.id : two.b.id, n }])
    await busy.end()
  })

  it('is closed in the write that prepares another, when 200 are prepared and it was not used for long', async () => {
    const own = two.pool({ connectionString: proxy.url, prepareThreshold: 2 })
    const many = Array.from({ length: 201 }, (_, n) => `select ${n} as one_of_many`)
    const [first = '', ...rest] = many
    for (const text of many) await popularize(own, text, 2)
    expect(await prepared(own)).toHaveLength(200)
    expect(await prepared(own)).not.toContain('select 200 as one_of_many')
    for (let round = 0; round < 6; round++)
      for (const text of rest.slice(0, 199)) await two.as(two.a, () => own.query(text))
    proxy.reset()
    await two.as(two.a, () => own.query('select 200 as one_of_many'))
    expect(proxy.sequence).toMatch(/^C(BE)+PBDES$/)
    expect([proxy.roundTrips, proxy.writes]).toEqual([1, 1])
    const after = await prepared(own)
    expect(after).toHaveLength(200)
    expect(after).toContain('select 200 as one_of_many')
    expect(after).not.toContain(first)
    expect((await two.as(two.b, () => own.query(first))).rows).toEqual([{ one_of_many: 0 }])
    await own.end()
  })
})

describe('an ORM’s statements', () => {
  it('of Drizzle are prepared, although they have row modes and parsers', async () => {
    const orm = two.pool({ connectionString: proxy.url })
    const db = drizzle(orm)
    const documents = pgTable('documents', { id: uuid('id'), tenantId: uuid('tenant_id'), title: textColumn('title') })
    for (let time = 0; time < 8; time++) {
      const tenant = time % 2 === 0 ? two.a : two.b
      proxy.reset()
      const rows = await two.as(
        tenant,
        async () => await db.select().from(documents).where(eq(documents.id, tenant.documentId)),
      )
      expect(rows).toEqual([{ id: tenant.documentId, tenantId: tenant.id, title: 'First document' }])
    }
    expect(proxy.sequence).toMatch(/^(BE)+S$/)
    await orm.end()
  })

  it('of Kysely are prepared, although it checks out a client for each', async () => {
    const orm = two.pool({ connectionString: proxy.url })
    const db = new Kysely<{ documents: { id: string; title: string } }>({ dialect: new PostgresDialect({ pool: orm }) })
    for (let time = 0; time < 8; time++) {
      const tenant = time % 2 === 0 ? two.a : two.b
      proxy.reset()
      const rows = await two.as(tenant, () =>
        db.selectFrom('documents').select(['id', 'title']).where('id', '=', tenant.documentId).execute(),
      )
      expect(rows).toEqual([{ id: tenant.documentId, title: 'First document' }])
    }
    expect(proxy.sequence).toMatch(/^(BE)+S$/)
    await orm.end()
  })
})

describe('a table that changes under a prepared text', () => {
  beforeAll(async () => {
    await two.database.admin(`
      create table boards (tenant_id uuid not null, id serial primary key, title varchar(40) not null);
      grant select, insert, update, delete on boards to tenant_user, tenant_admin;
      grant usage on sequence boards_id_seq to tenant_user, tenant_admin;
      alter table boards enable row level security, force row level security;
      create policy tenant_isolation_policy on boards using (tenant_id = (select partywall.tenant_id())::uuid);`)
    for (const { id } of [two.a, two.b])
      await two.database.admin(`insert into boards (tenant_id, title) values ('${id}', 'one')`)
  })

  it('is answered with its new columns, by one more round trip for all texts together', async () => {
    const star = 'select * from boards'
    const other = "select *, 'other' as other from boards"
    await popularize(pool, star)
    await popularize(pool, other)
    await two.database.admin('alter table boards add column done boolean not null default false')
    proxy.reset()
    const { rows } = await two.as(two.a, () => pool.query(star))
    expect(rows).toEqual([{ tenant_id: two.a.id, id: expect.any(Number), title: 'one', done: false }])
    expect(proxy.roundTrips).toBe(2)
    proxy.reset()
    expect((await two.as(two.b, () => pool.query(other))).rows).toMatchObject([{ tenant_id: two.b.id, done: false }])
    expect(proxy.roundTrips).toBe(1)
    expect(await prepared()).not.toContain(star)
  })

  it('has a write run once', async () => {
    const write = {
      text: 'insert into boards (tenant_id, title) values ($1, $2) returning *',
      values: [two.a.id, 'first'],
    }
    for (let time = 0; time < 6; time++) {
      const tenant = time % 2 === 0 ? two.a : two.b
      await two.as(tenant, () => pool.query({ ...write, values: [tenant.id, 'before'] }))
    }
    await two.database.admin('alter table boards alter column title type text')
    await two.as(two.a, () => pool.query({ ...write, values: [two.a.id, 'after'] }))
    const { rows } = await two.database.admin("select count(*)::int as n from boards where title = 'after'")
    expect(rows).toEqual([{ n: 1 }])
  })

  it('keeps the order of statements that wait on a client', async () => {
    const text = "select *, 'in order' as place from boards"
    await popularize(pool, text)
    await two.database.admin('alter table boards add column first_seen date')
    const done: string[] = []
    const client = await two.as(two.a, () => pool.connect())
    await two.as(two.a, () =>
      Promise.all([
        client.query(text).then(() => done.push('read')),
        client.query('begin').then(() => done.push('begin')),
        client.query('select 1').then(() => done.push('inside')),
        client.query('commit').then(() => done.push('commit')),
      ]),
    )
    client.release()
    expect(done).toEqual(['read', 'begin', 'inside', 'commit'])
  })

  it('tells a caller who has gone nothing more, and goes on', async () => {
    const text = "select *, 'aborted' as place from boards"
    await popularize(pool, text)
    await two.database.admin('alter table boards add column last_seen date')
    const signal = AbortSignal.timeout(1)
    const asked = two.as(two.a, () => pool.query({ text, signal } as unknown as pg.QueryConfig))
    await asked.catch(() => {})
    expect((await two.as(two.b, () => pool.query(text))).rows[0]).toHaveProperty('last_seen')
  })

  it('gives the error of a function that has lost a statement of its own to its caller, and keeps the connection', async () => {
    await two.database.admin(`
      create function reads_shelf() returns int language plpgsql as $$ begin execute 'execute gone'; return 1; end $$;`)
    const text = 'select reads_shelf()'
    const backend = async () => (await two.as(two.a, () => pool.query('select pg_backend_pid() as pid'))).rows[0].pid
    const before = await backend()
    for (let time = 0; time < 8; time++) {
      const tenant = time % 2 === 0 ? two.a : two.b
      await expect(two.as(tenant, () => pool.query(text))).rejects.toMatchObject({ code: '26000' })
    }
    expect(await backend()).toBe(before)
  })
})
