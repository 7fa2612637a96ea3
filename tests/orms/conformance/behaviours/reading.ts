import { expect } from 'vitest'
import type { Book } from '../orm.ts'
import type { Side, Stage } from '../stage.ts'
import type { Behaviours } from './behaviour.ts'

export const reading: Behaviours = {
  async 'a query reads the rows of its tenant alone'(stage) {
    for (const side of [stage.a, stage.b]) expectOwn(side, await stage.as(side, () => stage.orm.all()), side.fixed)
  },
  async 'a row is found by its id, and a row of another tenant is not'(stage) {
    const { a, b, orm } = stage
    expect(await stage.as(a, () => orm.byId(a.bookId))).toMatchObject({ id: a.bookId, tenantId: a.tenant.id })
    expect(await stage.as(b, () => orm.byId(a.bookId))).toBeUndefined()
  },
  async 'a count counts the rows of its tenant alone'(stage) {
    for (const side of [stage.a, stage.b]) expect(await stage.as(side, () => stage.orm.count())).toBe(side.fixed)
  },
  async 'a relation is read for its tenant alone'(stage) {
    for (const side of [stage.a, stage.b]) {
      const shelves = await stage.as(side, () => stage.orm.shelves())
      expect(shelves.map(({ tenantId }) => tenantId)).toEqual([side.tenant.id])
      expectOwn(side, shelves[0]?.books ?? [], side.fixed)
    }
  },
  async 'raw SQL reads the rows of its tenant alone'(stage) {
    for (const side of [stage.a, stage.b]) {
      const rows = await stage.as(side, () => stage.orm.raw('select tenant_id from books where n = $1', [-1]))
      expect(rows).toHaveLength(side.fixed)
      expect(new Set(rows.map((row) => row['tenant_id']))).toEqual(new Set([side.tenant.id]))
    }
  },
  async 'raw SQL that asks for another tenant gets nothing'(stage) {
    const { a, b, orm } = stage
    const ask = () => orm.raw('select id from books where tenant_id::text = $1', [b.tenant.id])
    expect(await stage.as(a, ask)).toEqual([])
  },
  async 'the same text, sent often by turns, keeps its tenants apart when it has become a prepared statement'(stage) {
    for (let turn = 0; turn < 24; turn++) {
      const side = turn % 2 === 0 ? stage.a : stage.b
      expectOwn(side, await stage.as(side, () => stage.orm.all()), side.fixed)
    }
  },
  async 'a query that was made for one tenant and awaited after its request runs for that tenant or not at all'(stage) {
    const { a, b, orm } = stage
    const made = stage.as(a, () => ({ query: orm.lazy() }))
    const seen = await stage.as(b, async () => made.query).catch(() => [])
    // It ran where it was awaited (B), or was refused, or had been started in A: never B's rows in A's hands.
    const tenants = tenantsIn(seen)
    expect(tenants.length).toBeLessThan(2)
    const returned = await stage.as(a, () => orm.lazy())
    expect(tenantsIn(returned)).toEqual([a.tenant.id])
  },
  async 'a stream reads the rows of its tenant alone'(stage) {
    for (const side of [stage.a, stage.b])
      expectOwn(side, await stage.as(side, () => gather(stage.orm.stream())), side.fixed)
  },
  async 'two streams of two tenants, read by turns, do not mix'(stage) {
    const { a, b, orm } = stage
    const [left, right] = await Promise.all([
      stage.as(a, () => gather(orm.stream())),
      stage.as(b, () => gather(orm.stream())),
    ])
    expectOwn(a, left, a.fixed)
    expectOwn(b, right, b.fixed)
  },
  async 'a stream that its reader leaves gives its connection back'(stage) {
    const { a, orm } = stage
    for (let turn = 0; turn < 12; turn++)
      await stage.as(a, async () => {
        for await (const book of orm.stream()) {
          expect(book.tenantId).toBe(a.tenant.id)
          break
        }
      })
    expectOwn(a, await stage.as(a, () => orm.all()), a.fixed)
  },
}

export async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function expectOwn(side: Side, books: readonly Book[], fixed: number): void {
  expect(books).toHaveLength(fixed)
  expect(new Set(books.map(({ tenantId }) => tenantId))).toEqual(new Set([side.tenant.id]))
}

/** The tenants whose ids are in a value of any shape. */
export function tenantsIn(value: unknown): unknown[] {
  const found = new Set<unknown>()
  const look = (inner: unknown, depth: number): void => {
    if (inner === null || typeof inner !== 'object' || inner instanceof Date || depth > 6) return
    for (const [name, part] of Object.entries(inner)) {
      if (name === 'tenant_id' || name === 'tenantId') found.add(part)
      else look(part, depth + 1)
    }
  }
  look(value, 0)
  return [...found]
}

/** Whether all connections of the pool can be in use at once: none of them was lost. */
export async function expectAllConnections(stage: Stage, connections: number): Promise<void> {
  let inside = 0
  let open = () => {}
  const allInside = new Promise<void>((resolve) => {
    open = resolve
  })
  // One more would wait for ever, and each tenant may hold only a part of the pool.
  const each = Array.from({ length: connections }, (_, index) => (index % 2 === 0 ? stage.a : stage.b))
  await Promise.all(
    each.map((side) =>
      stage.as(side, () =>
        stage.orm.transaction(async (inside_) => {
          await inside_.count()
          if (++inside === connections) open()
          await allInside
        }),
      ),
    ),
  )
}
