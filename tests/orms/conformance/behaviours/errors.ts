import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { tenantStore } from '../../../../src/context/store.ts'
import { CONNECTIONS } from '../stage.ts'
import type { Behaviours } from './behaviour.ts'
import { expectAllConnections } from './reading.ts'

export const errors: Behaviours = {
  async 'a second row with a unique value is answered with 409'(stage) {
    const { a, orm } = stage
    const book = stage.book(a)
    await stage.as(a, () => orm.insert(book))
    expect(await stage.answer(a, () => orm.insert(book))).toEqual({ status: 409, code: 'PARTYWALL_CONFLICT' })
  },
  async 'a unique value of another tenant is no conflict'(stage) {
    const { a, b, orm } = stage
    const title = randomUUID()
    for (const side of [a, b]) await stage.as(side, () => orm.insert(stage.book(side, { title })))
    expect(await stage.titled(title)).toEqual({ [a.tenant.id]: 1, [b.tenant.id]: 1 })
  },
  async 'a value that a CHECK constraint refuses is answered with 400'(stage) {
    const { a, orm } = stage
    const answer = await stage.answer(a, () => orm.insert(stage.book(a, { n: 2_000_000 })))
    expect(answer).toEqual({ status: 400, code: 'PARTYWALL_INVALID_INPUT' })
  },
  async 'a value that is not of the type is answered with 400'(stage) {
    const answer = await stage.answer(stage.a, () => stage.orm.raw('select $1::uuid as id', ['not an id']))
    expect(answer.status).toBe(400)
  },
  async 'a row for another tenant is answered with 403 and its event, and not written'(stage) {
    const { a, b, orm } = stage
    const book = stage.book(a, { tenantId: b.tenant.id })
    stage.events.length = 0
    const answer = await stage.answer(a, () => orm.insert(book))
    expect(answer).toEqual({ status: 403, code: 'PARTYWALL_TENANT_ISOLATION' })
    expect(stage.events).toContainEqual(
      expect.objectContaining({ type: 'CROSS_TENANT_ACCESS_ATTEMPT', tenantId: a.tenant.id }),
    )
    expect(await stage.titled(book.title)).toEqual({})
  },
  async 'moving a row to another tenant is answered with 403, and the row stays'(stage) {
    const { a, b, orm } = stage
    const made = await stage.as(a, () => orm.insert(stage.book(a)))
    stage.events.length = 0
    const answer = await stage.answer(a, () => orm.move(made.id, b.tenant.id))
    expect(answer).toEqual({ status: 403, code: 'PARTYWALL_TENANT_ISOLATION' })
    expect(stage.events.some(({ type }) => type === 'CROSS_TENANT_ACCESS_ATTEMPT')).toBe(true)
    expect(await stage.titled(made.title)).toEqual({ [a.tenant.id]: 1 })
  },
  async 'a reference to a row of another tenant is refused, and not written'(stage) {
    const { a, b, orm } = stage
    const book = stage.book(a, { shelfId: b.shelfId })
    expect((await stage.answer(a, () => orm.insert(book))).status).toBe(400)
    expect(await stage.titled(book.title)).toEqual({})
  },
  async 'a delete that the database role may not do is answered with 403, and the row stays'(stage) {
    const { a, orm } = stage
    const made = await stage.as(a, () => orm.insert(stage.book(a)))
    const refused = stage.as(a, () => orm.remove(made.id), ['viewer'])
    await expect(refused).rejects.toThrow()
    const answer = await stage.answer(a, () => refused)
    expect(answer).toEqual({ status: 403, code: stage.privilegeCode })
    expect(await stage.titled(made.title)).toEqual({ [a.tenant.id]: 1 })
  },
  async 'after an error the same connections serve both tenants'(stage) {
    const { a, b, orm } = stage
    for (let turn = 0; turn < 3 * CONNECTIONS; turn++)
      await stage.as(turn % 2 === 0 ? a : b, () => orm.raw('select 1 / 0').catch(() => {}))
    for (const side of [a, b]) expect(await stage.as(side, () => orm.count())).toBe(side.fixed)
    await expectAllConnections(stage, CONNECTIONS)
  },
  async 'outside of a tenant context each operation is refused with the code of the missing context'(stage) {
    const { a, orm } = stage
    const book = stage.book(a)
    const operations = {
      all: () => orm.all(),
      byId: () => orm.byId(a.bookId),
      count: () => orm.count(),
      insert: () => orm.insert(book),
      insertMany: () => orm.insertMany([book]),
      upsert: () => orm.upsert(book),
      setN: () => orm.setN(a.bookId, 5),
      setAllN: () => orm.setAllN(5),
      remove: () => orm.remove(a.bookId),
      shelves: () => orm.shelves(),
      raw: () => orm.raw('select 1'),
      transaction: () => orm.transaction((inside) => inside.count()),
    }
    for (const [name, operation] of Object.entries(operations)) {
      const work = tenantStore.run(undefined, () => (async () => operation())())
      const answer = await stage.answer(a, () => work)
      expect({ name, ...answer }).toEqual({ name, status: 500, code: 'PARTYWALL_CONTEXT_MISSING' })
    }
    expect(await stage.titled(book.title)).toEqual({})
  },
  async 'a stream outside of a tenant context is refused'(stage) {
    const read = async () => {
      for await (const book of stage.orm.stream()) return book
      return undefined
    }
    await expect(tenantStore.run(undefined, read)).rejects.toThrow()
  },
  async 'refusals leave no connection behind'(stage) {
    const { a, b, orm } = stage
    for (let turn = 0; turn < 3 * CONNECTIONS; turn++) {
      await tenantStore.run(undefined, () => orm.all().catch(() => {}))
      await tenantStore.run(undefined, () => orm.transaction((inside) => inside.count()).catch(() => {}))
      await stage.as(a, () => orm.insert(stage.book(a, { tenantId: b.tenant.id })).catch(() => {}))
    }
    await expectAllConnections(stage, CONNECTIONS)
    expect(stage.wall.pool.waitingCount).toBe(0)
  },
}
