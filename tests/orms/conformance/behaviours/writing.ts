import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Behaviours } from './behaviour.ts'

export const writing: Behaviours = {
  async 'an insert writes for the tenant of its context, and returns the row'(stage) {
    const { b } = stage
    const book = stage.book(b)
    const made = await stage.as(b, () => stage.orm.insert(book))
    expect(made.tenantId).toBe(b.tenant.id)
    expect(await stage.titled(book.title)).toEqual({ [b.tenant.id]: 1 })
  },
  async 'a bulk insert writes for the tenant of its context'(stage) {
    const { a, b } = stage
    const title = randomUUID()
    const books = (side: typeof a) => Array.from({ length: 20 }, (_, n) => stage.book(side, { title: `${title} ${n}` }))
    await Promise.all([a, b].map((side) => stage.as(side, () => stage.orm.insertMany(books(side)))))
    for (const side of [a, b]) expect(await stage.as(side, () => stage.orm.count())).toBe(side.fixed + 20)
  },
  async 'an upsert finds the row of its own tenant, not that of the other with the same key'(stage) {
    const { a, b, orm } = stage
    const title = randomUUID()
    for (const n of [1, 2]) await stage.as(a, () => orm.upsert(stage.book(a, { title, n })))
    await stage.as(b, () => orm.upsert(stage.book(b, { title, n: 7 })))
    const { rows } = await stage.database.admin('select tenant_id, n from books where title = $1 order by n', [title])
    expect(rows).toEqual([
      { tenant_id: a.tenant.id, n: 2 },
      { tenant_id: b.tenant.id, n: 7 },
    ])
  },
  async 'an update changes a row of its own tenant, and no row of another'(stage) {
    const { a, b, orm } = stage
    const made = await stage.as(a, () => orm.insert(stage.book(a)))
    expect(await stage.as(b, () => orm.setN(made.id, 9))).toBe(0)
    expect(await stage.as(a, () => orm.byId(made.id))).toMatchObject({ n: 0 })
    expect(await stage.as(a, () => orm.setN(made.id, 9))).toBe(1)
    expect(await stage.as(a, () => orm.byId(made.id))).toMatchObject({ n: 9 })
  },
  async 'an update without a condition changes the rows of its tenant alone'(stage) {
    const { a, b, orm } = stage
    expect(await stage.as(b, () => orm.setAllN(3))).toBe(b.fixed)
    expect(new Set((await stage.as(a, () => orm.all())).map(({ n }) => n))).toEqual(new Set([-1]))
  },
  async 'a delete removes a row of its own tenant, and no row of another'(stage) {
    const { a, b, orm } = stage
    const made = await stage.as(a, () => orm.insert(stage.book(a)))
    expect(await stage.as(b, () => orm.remove(made.id))).toBe(0)
    expect(await stage.titled(made.title)).toEqual({ [a.tenant.id]: 1 })
    expect(await stage.as(a, () => orm.remove(made.id))).toBe(1)
    expect(await stage.titled(made.title)).toEqual({})
  },
}
