import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { TenantAwareRepository } from '../../src/repository/base-repository.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { createTestWall } from '../setup/wall.ts'

interface Document {
  readonly id: string
  readonly tenant_id: string
  readonly project_id: string | null
  readonly title: string
  readonly body: string
  readonly created_at: Date
}

const table = {
  table: 'documents',
  columns: {
    id: 'uuid',
    tenant_id: 'uuid',
    project_id: 'uuid',
    title: 'text',
    body: 'text',
    created_at: 'timestamptz',
  },
} as const

const MISSING = '00000000-0000-4000-8000-000000000000'

describe('TenantAwareRepository', () => {
  let database: TestDatabase
  let wall: Partywall
  let documents: TenantAwareRepository<Document>
  let a: TestTenant
  let b: TestTenant
  let proxy: TcpProxy

  beforeAll(async () => {
    database = await createTestDatabase()
    const through = await TcpProxy.start(database.appUrl)
    proxy = through
    ;({ wall } = await createTestWall(database, {
      database: { url: through.url, max: 1, allowStatements: ['EXPLAIN'] },
      tenants: { listenUrl: false },
    }))
    documents = wall.repository<Document>(table)
    a = await createTestTenant(database)
    b = await createTestTenant(database)
  })

  const as = <T>(tenant: TestTenant, fn: () => Promise<T>) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['owner'] }, fn)

  const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['findById', () => documents.findById(MISSING)],
    ['findAll', () => documents.findAll()],
    ['findPage', () => documents.findPage()],
    ['count', () => documents.count()],
    ['create', () => documents.create({ title: 'x' })],
    ['createMany', () => documents.createMany([{ title: 'x' }])],
    ['update', () => documents.update(MISSING, { title: 'x' })],
    ['delete', () => documents.delete(MISSING)],
    ['withTenantContext', () => documents.withTenantContext(async () => 1)],
  ]
  it.each(calls)('%s outside a tenant context throws before anything is sent', async (_name, call) => {
    proxy.reset()
    await expect(call()).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    expect(proxy.roundTrips).toBe(0)
  })

  it('finds, makes, changes and removes rows of its own tenant', async () => {
    await as(a, async () => {
      const made = await documents.create({ title: 'new', body: 'text' })
      expect(made).toMatchObject({ tenant_id: a.id, title: 'new', body: 'text', project_id: null })
      expect(await documents.findById(made.id)).toEqual(made)
      expect((await documents.findAll())[0]).toEqual(made)
      expect((await documents.update(made.id, { title: 'changed' })).title).toBe('changed')
      await documents.delete(made.id)
      expect(await documents.findById(made.id)).toBeUndefined()
    })
  })

  it('answers a foreign and a missing row with the same error after the same messages on the wire', async () => {
    const trace = async (call: () => Promise<unknown>) => {
      await as(a, () => documents.count())
      proxy.reset()
      const error: unknown = await as(a, call).catch((thrown: unknown) => thrown)
      const { code, message } = error instanceof Error && 'code' in error ? error : { code: undefined, message: error }
      return { code, message, sequence: proxy.sequence, roundTrips: proxy.roundTrips }
    }
    const kinds: readonly ((id: string) => Promise<unknown>)[] = [
      (id) => documents.findById(id),
      (id) => documents.update(id, { title: 'x' }),
      (id) => documents.delete(id),
    ]
    for (const kind of kinds) {
      await trace(() => kind(MISSING)) // prepares it
      const foreign = await trace(() => kind(b.documentId))
      expect(foreign).toEqual(await trace(() => kind(MISSING)))
      expect(foreign.roundTrips).toBe(1)
    }
  })

  it('plans a foreign and a missing row alike', async () => {
    const plan = async (id: string) => {
      const text =
        'explain (analyze, costs off, timing off, summary off, buffers off) select id from documents where tenant_id = $1::uuid and id = $2::uuid'
      const { rows } = await as(a, () => wall.pool.query(text, [a.id, id]))
      return JSON.stringify(rows).replaceAll(id, 'ID')
    }
    expect(await plan(b.documentId)).toBe(await plan(MISSING))
  })

  it('refuses a foreign tenant before anything is sent, whatever else is wrong', async () => {
    const attempts: unknown[] = []
    const stop = wall.events.on('CROSS_TENANT_ACCESS_ATTEMPT', (event) => attempts.push(event))
    proxy.reset()
    const foreign = { tenant_id: b.id, nonsense: 1 }
    for (const call of [
      () => documents.create(foreign),
      () => documents.createMany([{}, foreign]),
      () => documents.update('no id', foreign),
      () => documents.findAll({ where: { tenant_id: b.id } }),
    ]) {
      // The frame's emitter is that of the wall where a request opened it; here nothing did.
      await expect(as<unknown>(a, async () => call())).rejects.toMatchObject({
        code: 'PARTYWALL_TENANT_ISOLATION',
        status: 403,
      })
    }
    stop()
    expect(proxy.roundTrips).toBe(0)
  })

  it('sends its own tenant filter besides row-level security', async () => {
    const sent: { text: string; values: unknown[] }[] = []
    const spying = new TenantAwareRepository<Document>({
      ...table,
      pool: {
        query: (asked: string | { text: string; values: unknown[] }, values: unknown[] = []) => {
          sent.push(typeof asked === 'string' ? { text: asked, values } : asked)
          return Promise.resolve({ rows: [], rowCount: 0 })
        },
        transaction: () => Promise.reject(new Error('none')),
      },
    })
    await as(a, async () => {
      await spying.findById(MISSING)
      await spying.findAll({ where: { title: 'x' } })
      await spying.count()
      await spying.update(MISSING, { title: 'x' }).catch(() => {})
      await spying.delete(MISSING).catch(() => {})
    })
    expect(sent).toHaveLength(5)
    for (const { text, values } of sent) {
      expect(text).toContain('"tenant_id" = $')
      expect(values).toContain(a.id)
    }
  })

  it.each([
    ['an unknown column', () => documents.create({ nonsense: 1 } as never)],
    ['a generated column', () => documents.create({ id: MISSING } as never)],
    ['an update of the time of creation', () => documents.update(MISSING, { created_at: new Date() } as never)],
    ['an update of nothing', () => documents.update(MISSING, {})],
    ['a limit of zero', () => documents.findAll({ limit: 0 })],
    ['a limit beyond 1000', () => documents.findAll({ limit: 1_001 })],
    ['a limit that is no number', () => documents.findAll({ limit: '10' as never })],
    ['an offset below zero', () => documents.findAll({ offset: -1 })],
    ['an unknown column in where', () => documents.findAll({ where: { 'title" or 1=1 --': 1 } as never })],
    ['an unknown operator', () => documents.findAll({ where: { title: { like: '%' } } as never })],
    ['an inherited operator', () => documents.findAll({ where: { title: { constructor: 'x' } } as never })],
    ['an object as a value', () => documents.findAll({ where: { title: { eq: { a: 1 } } } as never })],
    ['an unknown column in orderBy', () => documents.findAll({ orderBy: { nonsense: 'asc' } as never })],
    ['an unknown direction', () => documents.findAll({ orderBy: [['title', 'asc; drop table documents' as never]] })],
    ['a value of another type', () => documents.findAll({ where: { project_id: 'no uuid' } })],
    ['text with NUL', () => documents.findAll({ where: { title: '\0' } })],
    ['a row that is a list', () => documents.create([] as never)],
    ['too many rows', () => documents.createMany(Array.from({ length: 1_001 }, () => ({ title: 'x' })))],
    ['a reference to nothing', () => documents.create({ title: 'x', project_id: MISSING })],
    ['a missing value', () => documents.create({ body: 'x' })],
  ])('refuses %s with 400', async (_what, call) => {
    await expect(as<unknown>(a, call)).rejects.toMatchObject({ code: 'PARTYWALL_INVALID_INPUT', status: 400 })
  })

  it('a duplicate inside the tenant conflicts; what another tenant has does not', async () => {
    const projects = wall.repository<{ id: string; tenant_id: string; name: string; created_at: Date }>({
      table: 'projects',
      columns: { id: 'uuid', tenant_id: 'uuid', name: 'text', created_at: 'timestamptz' },
    })
    await as(b, () => projects.create({ name: 'Only here' }))
    await as(a, () => projects.create({ name: 'Only here' }))
    await expect(as(a, () => projects.create({ name: 'Only here' }))).rejects.toMatchObject({
      code: 'PARTYWALL_CONFLICT',
      status: 409,
    })
  })

  it.each(['', ' ', 'null', "' or 1=1 --", `${MISSING}x`, '\0', MISSING.slice(1)])(
    'a malformed id is a missing row: %j',
    async (id) => {
      await as(a, async () => {
        expect(await documents.findById(id)).toBeUndefined()
        await expect(documents.update(id, { title: 'x' })).rejects.toMatchObject({ code: 'PARTYWALL_NOT_FOUND' })
        await expect(documents.delete(id)).rejects.toMatchObject({ code: 'PARTYWALL_NOT_FOUND' })
      })
    },
  )

  it('compares with lists, NULL and operators', async () => {
    const c = await createTestTenant(database)
    await as(c, async () => {
      await documents.createMany([{ title: 'm1' }, { title: 'm2' }, { title: 'm3', body: 'full' }])
      const titles = async (where: NonNullable<Parameters<typeof documents.findAll>[0]>['where']) =>
        (await documents.findAll({ where, orderBy: 'title' })).map(({ title }) => title)
      expect(await titles({ title: ['m1', 'm3'] })).toEqual(['m1', 'm3'])
      expect(await titles({ title: { gt: 'm1', lte: 'm3' } })).toEqual(['m2', 'm3'])
      expect(await titles({ project_id: null })).toEqual(['m1', 'm2', 'm3'])
      expect(await titles({ project_id: { not: null } })).toEqual(['First document'])
      expect(await titles({ title: { not: 'm1' }, body: { in: ['full'] } })).toEqual(['m3'])
      expect(await titles({ title: [] })).toEqual([])
      expect(await documents.count({ where: { title: { gte: 'm' } } })).toBe(3)
    })
  })

  it.each([
    ['newest first', undefined],
    ['by a column with NULLs, ascending', { project_id: 'asc' }],
    ['by a column with NULLs, descending', { project_id: 'desc' }],
    [
      'by two columns in two directions',
      [
        ['body', 'asc'],
        ['title', 'desc'],
      ],
    ],
  ] as const)('a cursor walks each row once, %s', async (_name, orderBy) => {
    const c = await createTestTenant(database)
    await as(c, async () => {
      await documents.createMany(
        Array.from({ length: 23 }, (_, index) => ({
          title: `t${index}`,
          body: String(index % 3),
          project_id: index % 2 === 0 ? c.projectId : null,
        })),
      )
      const all = (await documents.findAll({ orderBy, limit: 1_000 })).map(({ id }) => id)
      const walked: string[] = []
      let after: string | undefined
      do {
        const page = await documents.findPage({ orderBy, limit: 5, after })
        walked.push(...page.items.map(({ id }) => id))
        expect(Object.keys(page.items[0] ?? {})).toEqual(Object.keys(table.columns))
        after = page.nextCursor
      } while (after !== undefined)
      expect(walked).toEqual(all)
      expect(walked).toHaveLength(24)
    })
  })

  it('works inside a transaction, which rolls back whole', async () => {
    const before = await as(a, () => documents.count())
    const failed = as(a, () =>
      documents.withTenantContext(async (transaction) => {
        await documents.using(transaction).create({ title: 'gone' })
        await transaction.query("insert into documents (title) values ('gone too')", [])
        throw new Error('no')
      }),
    )
    await expect(failed).rejects.toThrow('no')
    expect(await as(a, () => documents.count())).toBe(before)
  })

  it('knows its columns: what the compiler refuses', () => {
    // @ts-expect-error a column that Document does not have
    const wrong = () => documents.findAll({ where: { nonsense: 1 } })
    // @ts-expect-error columns must be complete
    const incomplete = () => wall.repository<Document>({ table: 'documents', columns: { id: 'uuid' } })
    expect([wrong, incomplete]).toHaveLength(2)
  })

  it('tells all problems of its options at once', () => {
    expect(() => wall.repository({ table: 'a.b.c', columns: { x: 'text; drop' } })).toThrow(/table[\s\S]*columns/)
    expect(() => wall.repository({ table: 'a', columns: { id: 'uuid' } })).toThrow(/tenant_id[\s\S]*created_at/)
  })
})
