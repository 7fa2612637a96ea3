// What callers may put into `where` and into rows: values of every type, and what is no value at all.
import { beforeAll, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import type { TenantAwareRepository } from '../../src/repository/base-repository.ts'
import { createTestDatabase, createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

interface Measure {
  readonly id: string
  readonly tenant_id: string
  readonly size: string
  readonly ratio: string
  readonly at: Date
  readonly facts: unknown
  readonly raw: Uint8Array
  readonly created_at: Date
}

const columns = {
  id: 'uuid',
  tenant_id: 'uuid',
  size: 'bigint',
  ratio: 'numeric',
  at: 'timestamptz',
  facts: 'jsonb',
  raw: 'bytea',
  created_at: 'timestamptz',
} as const

const BIG = 9_007_199_254_740_993n
const AT = new Date('2026-01-02T03:04:05.678Z')
const refused = { code: 'PARTYWALL_INVALID_INPUT', status: 400 }

let wall: Partywall
let measures: TenantAwareRepository<Measure>
let a: TestTenant
const as = <T>(fn: () => Promise<T>) => runWithTenant({ tenantId: a.id, userId: a.userId, roles: ['owner'] }, fn)
/** Options as plain JavaScript gives them, which no compiler has seen. */
const list = (options: unknown) => as(() => measures.findPage(options as Parameters<typeof measures.findPage>[0]))
const make = (row: unknown) => as(() => measures.create(row as Parameters<typeof measures.create>[0]))

beforeAll(async () => {
  const database = await createTestDatabase()
  const tenant = "(select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
  await database.admin(`
    create table measures (tenant_id uuid not null default ${tenant.slice(8, -1)}, id uuid default gen_random_uuid(), size bigint,
      ratio numeric, at timestamptz, facts jsonb, raw bytea, created_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id));
    alter table measures enable row level security, force row level security;
    create policy tenant_isolation_policy on measures using (tenant_id = ${tenant}) with check (tenant_id = ${tenant});
    grant select, insert, update on measures to tenant_user, tenant_admin`)
  ;({ wall } = await createTestWall(database))
  measures = wall.repository<Measure>({ table: 'measures', columns })
  a = await createTestTenant(database)
  for (let index = 0; index < 3; index++)
    await make({ size: BIG, ratio: '0.1', at: AT, facts: { n: 1 }, raw: new Uint8Array([1]) })
})

it.each([
  ['a bigint', { size: BIG }],
  ['a list of bigints', { size: [BIG, 1n] }],
  ['operators with a bigint', { size: { gt: 1n, lte: BIG } }],
  ['a date', { at: AT }],
  ['a number', { ratio: 0.1 }],
  ['null', { facts: { not: null } }],
  ['JSON that is a number', { facts: { not: 7 } }],
])('%s in where walks its pages by cursor', async (_what, where) => {
  const first = await list({ where, limit: 2 })
  expect(first.items).toHaveLength(2)
  const second = await list({ where, limit: 2, after: first.nextCursor })
  expect(second.items).toHaveLength(1)
  expect(second.nextCursor).toBeUndefined()
})

it('a cursor serves the same condition alone, down to the type of its values', async () => {
  const { nextCursor: after } = await list({ where: { ratio: '0.1' }, limit: 1 })
  await expect(list({ where: { ratio: 0.1 }, limit: 1, after })).rejects.toMatchObject(refused)
  await expect(list({ where: { ratio: { eq: '0.1', not: null } }, limit: 1, after })).rejects.toMatchObject(refused)
  await expect(list({ where: { ratio: '0.1', size: null }, limit: 1, after })).rejects.toMatchObject(refused)
  await expect(list({ where: { ratio: '0.1' }, limit: 1, after })).resolves.toMatchObject({ items: [{ ratio: '0.1' }] })
})

it.each<[string, unknown]>([
  ['bytes', { raw: Buffer.from([1]) }],
  ['a list in a list', { size: [[1n]] }],
  ['null in a list', { size: [null] }],
  ['undefined as an operator\u2019s value', { size: { eq: undefined } }],
  ['an object without an operator', { size: {} }],
  ['an operator that does not exist', { size: { like: '%' } }],
  ['an operator from the prototype', { size: JSON.parse('{"__proto__": 1}') }],
  ['a column from the prototype', JSON.parse('{"__proto__": 1}')],
  ['a column named constructor', { constructor: 1 }],
  ['a date that is none', { at: new Date('no date') }],
  ['a Map', { size: new Map([['eq', 1]]) }],
  ['a Map as where', new Map([['size', 1]])],
  ['a list as where', [{ size: 1 }]],
  ['null as where', null],
  ['a symbol', { size: Symbol('x') }],
  ['a function', { size: () => 1 }],
  ['NUL', { ratio: '\0' }],
  ['text where a number belongs', { size: 'many' }],
  ['not a number', { size: Number.NaN }],
  ['JSON of a bigint', { facts: 1n }],
])('refuses %s in where as the client\u2019s mistake', async (_what, where) => {
  await expect(list({ where, limit: 1 })).rejects.toMatchObject(refused)
})

it.each<[string, () => unknown]>([
  ['JSON with a bigint', () => ({ facts: { n: 1n } })],
  [
    'JSON with a cycle',
    () => {
      const facts: Record<string, unknown> = {}
      facts['self'] = facts
      return { facts }
    },
  ],
  ['a date that is none', () => ({ at: new Date('no date') })],
  ['a column from the prototype', () => JSON.parse('{"__proto__": {"tenant_id": "x"}}')],
])('refuses %s in a row as the client\u2019s mistake', async (_what, row) => {
  await expect(make(row())).rejects.toMatchObject(refused)
})
