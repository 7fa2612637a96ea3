// tenantTransaction() on postgres.js, attacked by a tenant who controls SQL, by one who keeps `tx`, and by a neighbour on the same connection.
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql, type TransactionSql } from 'postgres'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runInTenantFrame, runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantTransaction } from '../../src/database/postgres-js/tenant-transaction.ts'
import type { SecurityEvent } from '../../src/events/security-events.ts'
import type { Partywall } from '../../src/partywall.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

let database: TestDatabase
let wall: Partywall
let a: TestTenant
let b: TestTenant
/** One connection, so that each tenant gets what the other left. */
let sql: Sql
const sent: string[] = []
const events: SecurityEvent[] = []
const as = <T>(tenant: TestTenant, fn: () => Promise<T>): Promise<T> =>
  runInTenantFrame({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, { events: wall.events }, fn)
const inside = <T>(tenant: TestTenant, fn: (tx: TransactionSql) => Promise<T>): Promise<T> =>
  as(tenant, () => wall.tenantTransaction(sql, fn))
const tenantsRead = (tenant: TestTenant) =>
  inside(tenant, async (tx) => (await tx`select tenant_id from documents`).map((row) => row['tenant_id']))

beforeAll(async () => {
  database = await createTestDatabase()
  ;({ wall } = await createTestWall(database))
  wall.events.on('*', (event) => void events.push(event))
  a = await createTestTenant(database)
  b = await createTestTenant(database)
  const debug = (_connection: number, text: string) => void sent.push(text)
  sql = postgres(database.appUrl, { max: 1, fetch_types: false, debug, onnotice: () => {} })
  afterFile(() => sql.end({ timeout: 1 }))
})
beforeEach(() => {
  sent.length = 0
  events.length = 0
})

describe('a transaction of postgres.js', () => {
  it('reads and writes for the tenant of its context', async () => {
    const title = 'by postgres.js'
    const made = await inside(b, (tx) => tx`insert into documents (title) values (${title}) returning tenant_id`)
    expect(made[0]?.['tenant_id']).toBe(b.id)
    expect(new Set(await tenantsRead(a))).toEqual(new Set([a.id]))
    expect(await inside(a, (tx) => tx`select 1 from documents where id = ${b.documentId}`)).toHaveLength(0)
  })

  it('keeps 100 interleaved transactions of two tenants apart, with faults', async () => {
    const runs = Array.from({ length: 100 }, async (_, index) => {
      const tenant = index % 2 === 0 ? a : b
      const title = `interleaved ${index}`
      const work = inside(tenant, async (tx) => {
        await tx`insert into documents (title) values (${title})`
        if (index % 5 === 1) await tx`select 1 / 0`
        if (index % 5 === 2) throw new Error('a fault of the application')
        return tx`select tenant_id from documents`
      })
      if (index % 5 === 1 || index % 5 === 2) return expect(work).rejects.toThrow()
      expect(new Set((await work).map((row) => row['tenant_id']))).toEqual(new Set([tenant.id]))
    })
    await Promise.all(runs)
    const { rows } = await database.admin("select title, tenant_id from documents where title like 'interleaved %'")
    expect(rows).toHaveLength(60)
    for (const { title, tenant_id } of rows) expect(tenant_id).toBe(Number(title.split(' ')[1]) % 2 === 0 ? a.id : b.id)
  })

  it('rolls a savepoint back alone, and reads its tenant after it', async () => {
    const seen = await inside(a, async (tx) => {
      await tx`insert into documents (title) values ('outer')`
      await tx
        .savepoint(async (point) => {
          await point`insert into documents (title) values ('inner')`
          throw new Error('inner')
        })
        .catch(() => {})
      return tx`select title, tenant_id from documents where title in ('outer', 'inner')`
    })
    expect(seen.map((row) => [row['title'], row['tenant_id']])).toEqual([['outer', a.id]])
  })

  it('is refused outside of a tenant context, and nothing is sent', async () => {
    const missing = { code: 'PARTYWALL_CONTEXT_MISSING' }
    const open = () => wall.tenantTransaction(sql, (tx) => tx`select 1`)
    await expect(open()).rejects.toMatchObject(missing)
    await expect(runWithoutTenant(open)).rejects.toMatchObject(missing)
    expect(sent).toEqual([])
  })

  it('is refused on a role that passes row-level security', async () => {
    const strong = postgres(database.adminUrl, { max: 1, fetch_types: false })
    try {
      let ran = false
      const work = as(a, () =>
        wall.tenantTransaction(strong, async () => {
          ran = true
        }),
      )
      await expect(work).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
      expect(ran).toBe(false)
    } finally {
      await strong.end({ timeout: 1 })
    }
  })

  it('is read-only if it is opened so, and in a frame that may only read', async () => {
    const write = (tx: TransactionSql) => tx`update documents set title = 'x'`
    await expect(as(a, () => wall.tenantTransaction(sql, write, { readOnly: true }))).rejects.toMatchObject({
      code: '25006',
    })
    const frame = { tenantId: a.id, userId: a.userId, roles: ['owner'] }
    const work = runInTenantFrame(frame, { readOnly: 'always' }, () => wall.tenantTransaction(sql, write))
    await expect(work).rejects.toThrow()
  })
})

describe('injected SQL on postgres.js', () => {
  it('that sets the other tenant reads none of its rows', async () => {
    const rows = await inside(
      a,
      (tx) => tx`select set_config('app.current_tenant_id', ${b.id}, true),
        query_to_xml('select body from documents', true, false, '')::text as rows`,
    ).catch((error: unknown) => [String(error)])
    expect(JSON.stringify(rows)).not.toContain(`secret of ${b.key}`)
  })

  it('that leaves tenant, seal, role, search_path and row_security for the session does not reach the next tenant', async () => {
    await inside(a, async (tx) => {
      await tx`select set_config('app.current_tenant_id', current_setting('app.current_tenant_id'), false),
        set_config('app.tenant_seal', current_setting('app.tenant_seal'), false),
        set_config('search_path', 'pg_catalog', false), set_config('role', 'none', false),
        set_config('default_transaction_read_only', 'on', false), set_config('row_security', 'off', false)`
    })
    expect(new Set(await tenantsRead(b))).toEqual(new Set([b.id]))
    await inside(b, (tx) => tx`insert into documents (title) values ('b can write')`)
  })

  it('that leaves an advisory lock, a sequence value or a seed of random() leaves them for nobody', async () => {
    await database.admin('create sequence counted; grant usage on sequence counted to tenant_user, tenant_admin')
    const random = (tx: TransactionSql) => tx`select random() as r`
    const [first] = await inside(a, async (tx) => {
      await tx`select pg_advisory_lock(4711), nextval('counted'), setseed(0.42)`
      return random(tx)
    })
    await inside(a, (tx) => tx`select pg_advisory_lock(4711), nextval('counted'), setseed(0.42)`)
    const [second] = await inside(b, random)
    expect(second?.['r']).not.toBe(first?.['r'])
    const { rows } = await database.admin("select 1 from pg_locks where locktype = 'advisory' and objid = 4711")
    expect(rows).toEqual([])
    await expect(inside(b, (tx) => tx`select lastval()`)).rejects.toMatchObject({ code: '55000' })
  })

  const refused: Record<string, (tx: TransactionSql) => unknown> = {
    'a second statement': (tx) => tx.unsafe('select 1; delete from documents'),
    COMMIT: (tx) => tx.unsafe('commit'),
    'COMMIT in a template': (tx) => tx`commit`,
    ROLLBACK: (tx) => tx`rollback`,
    SAVEPOINT: (tx) => tx`savepoint mine`,
    SET: (tx) => tx`set role none`,
    DO: (tx) => tx.unsafe('do $$ begin perform 1; end $$'),
    'DO in a fragment': (tx) => tx`${tx.unsafe('do $$ begin perform 1; end $$')}`,
    PREPARE: (tx) => tx`prepare x as select 1`,
    'a temporary table': (tx) => tx`create temp table documents (id uuid)`,
    'SELECT INTO': (tx) => tx`select 1 as x into temp mine`,
    LISTEN: (tx) => tx`listen x`,
    EXPLAIN: (tx) => tx`explain analyze select * from documents`,
    'the simple protocol': (tx) => tx`select 1; select 2`.simple(),
    'a text by the simple protocol': (tx) => tx.unsafe('select 1; select 2', [], { simple: true } as object),
    'COPY, which uses the simple protocol': (tx) => tx`copy documents to stdout`.readable().then(() => tx`select 1`),
    'PREPARE TRANSACTION': (tx) => Reflect.get(tx, 'prepare').call(tx, 'x'),
    NOTIFY: (tx) => Reflect.get(tx, 'notify').call(tx, 'x', 'y'),
  }
  it.each(Object.entries(refused))('is refused: %s', async (_name, statement) => {
    await expect(inside(a, async (tx) => statement(tx))).rejects.toThrow()
    const { rows } = await database.admin("select count(*)::int as n from pg_class where relname = 'mine'")
    expect(rows).toEqual([{ n: 0 }])
    expect(await tenantsRead(a)).not.toEqual([])
    expect(new Set(await tenantsRead(b))).toEqual(new Set([b.id]))
  })

  it('is refused in a file: several statements', async () => {
    const file = join(tmpdir(), `partywall-${process.pid}.sql`)
    await writeFile(file, 'select 1; delete from documents')
    await expect(inside(a, (tx) => tx.file(file))).rejects.toThrow()
    expect(await tenantsRead(a)).not.toEqual([])
  })
})

describe('a transaction of postgres.js that somebody kept', () => {
  const isolation = { code: 'PARTYWALL_TENANT_ISOLATION' }

  it('can’t be used after its end, also while the connection serves another tenant', async () => {
    let kept: TransactionSql | undefined
    let waiting: PromiseLike<unknown> | undefined
    await inside(a, async (tx) => {
      kept = tx
      waiting = tx`update documents set title = 'by the tenant before'` // not awaited: it is not sent
      await tx`select 1`
    })
    const seen = await inside(b, async (tx) => {
      await tx`select 1`
      const late = await as2(a, async () => waiting)
      const made = await as2(a, async () => kept?.unsafe('select title from documents'))
      const here = await as2(b, async () => kept?.unsafe('select title from documents'))
      return [late, made, here]
    })
    for (const each of seen) expect(each).toMatchObject(isolation)
    const { rows } = await database.admin("select 1 from documents where title = 'by the tenant before'")
    expect(rows).toEqual([])
  })

  it('can’t be used in the context of another tenant', async () => {
    let seen: unknown
    await inside(a, async (tx) => {
      seen = await as2(b, async () => tx`insert into documents (title) values ('mixed')`)
      await tx`select 1`
    })
    expect(seen).toMatchObject(isolation)
    expect(events).toContainEqual(expect.objectContaining({ type: 'CROSS_TENANT_ACCESS_ATTEMPT', tenantId: b.id }))
    const { rows } = await database.admin("select 1 from documents where title = 'mixed'")
    expect(rows).toEqual([])
  })

  it('can write nothing once its tenant is suspended', async () => {
    const work = inside(a, async (tx) => {
      await tx`select 1`
      await database.admin("update tenants set status = 'suspended' where id = $1", [a.id])
      await tx`insert into documents (title) values ('after suspension')`
    })
    try {
      await expect(work).rejects.toThrow()
    } finally {
      await database.admin("update tenants set status = 'active' where id = $1", [a.id])
    }
    const { rows } = await database.admin("select 1 from documents where title = 'after suspension'")
    expect(rows).toEqual([])
  })

  it('gets a new seal before the old one ends', async () => {
    let now = Date.now()
    const open = createTenantTransaction(wall.pool, () => now)
    const contexts = () => sent.filter((text) => text.includes('app.tenant_seal')).length
    await as(a, () =>
      open(sql, async (tx) => {
        await tx`select 1`
        expect(contexts()).toBe(1)
        now += 31_000
        expect(await tx`select tenant_id from documents`).not.toHaveLength(0)
        expect(contexts()).toBe(2)
      }),
    )
  })
})

/** Runs in the context of another request, and gives the error. */
async function as2(tenant: TestTenant, fn: () => Promise<unknown>): Promise<unknown> {
  const { tenantStore } = await import('../../src/context/store.ts')
  return tenantStore.run(undefined, () => as(tenant, fn).catch((error: unknown) => error))
}
