import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { OpenOrm } from '../orm.ts'
import { CONNECTIONS, type Side, type Stage } from '../stage.ts'
import type { Behaviours } from './behaviour.ts'
import { expectAllConnections, gather, tenantsIn } from './reading.ts'

type Operation = (orm: OpenOrm, side: Side, other: Side, stage: Stage) => Promise<unknown>

/** Every operation of an adapter. Each returns what it saw, and rows of the other tenant must not be in it. */
const operations: Readonly<Record<string, Operation>> = {
  all: (orm) => orm.all(),
  'byId of an own row': (orm, side) => orm.byId(side.bookId),
  'byId of a foreign row': async (orm, _side, other) => ({
    tenantId: (await orm.byId(other.bookId))?.tenantId ?? null,
  }),
  count: async (orm, side) => {
    expect(await orm.count()).toBeGreaterThanOrEqual(side.fixed)
  },
  insert: (orm, side, _other, stage) => orm.insert(stage.book(side)),
  insertMany: (orm, side, _other, stage) => orm.insertMany([stage.book(side), stage.book(side)]),
  upsert: (orm, side, _other, stage) => orm.upsert(stage.book(side)),
  setN: async (orm, side, other) => {
    expect(await orm.setN(other.bookId, 5)).toBe(0)
    return orm.setN(side.bookId, -1)
  },
  shelves: (orm) => orm.shelves(),
  raw: (orm) => orm.raw('select tenant_id from books'),
  stream: (orm) => gather(orm.stream()),
  'a transaction': (orm, side, _other, stage) =>
    orm.transaction(async (inside) => [await inside.insert(stage.book(side)), await inside.all()]),
  'an insert and a delete': async (orm, side, _other, stage) => {
    const made = await orm.insert(stage.book(side))
    expect(await orm.remove(made.id)).toBe(1)
    return made
  },
}

export const crowd: Behaviours = {
  async 'every operation, started by two tenants in one tick, stays with its tenant'(stage) {
    const { a, b, orm } = stage
    for (const [name, operation] of Object.entries(operations)) {
      for (const shared of [false, true]) {
        let open = () => {}
        const gate = new Promise<void>((resolve) => {
          open = resolve
        })
        const start = (side: Side, other: Side) =>
          stage.as(side, async () => {
            if (shared) await gate
            const tenants = tenantsIn([await operation(orm, side, other, stage)]).filter((id) => id !== null)
            expect({ name, foreign: tenants.filter((id) => id !== side.tenant.id) }).toEqual({ name, foreign: [] })
          })
        const runs = Array.from({ length: 10 }, () => [start(a, b), start(b, a)]).flat()
        setImmediate(open)
        await Promise.all(runs)
      }
    }
    await expectNoCrossing(stage)
  },
  async '200 interleaved requests with faults: each sees and writes its own tenant, and no connection is lost'(stage) {
    const { a, b, orm } = stage
    const kept: { readonly title: string; readonly side: Side }[] = []
    const failed: string[] = []
    const request = async (index: number): Promise<void> => {
      const side = index % 2 === 0 ? a : b
      const other = side === a ? b : a
      const book = stage.book(side, { title: `request ${index} ${randomUUID()}` })
      await new Promise((resolve) => setImmediate(resolve))
      const fault = index % 5
      const work = stage.as(side, () =>
        orm.transaction(async (inside) => {
          await inside.insert(book)
          expect(new Set((await inside.all()).map(({ tenantId }) => tenantId))).toEqual(new Set([side.tenant.id]))
          expect(await inside.byId(other.bookId)).toBeUndefined()
          if (fault === 1) await inside.raw('select 1 / 0')
          if (fault === 2) throw new Error('a fault of the application')
          if (fault === 3) await inside.insert(stage.book(side, { tenantId: other.tenant.id }))
          if (index % 25 === 4) await inside.raw('select pg_terminate_backend(pg_backend_pid())')
        }),
      )
      const expected = fault === 0 || (fault === 4 && index % 25 !== 4)
      if (expected) {
        await work
        kept.push({ title: book.title, side })
      } else {
        await expect(work).rejects.toThrow()
        failed.push(book.title)
      }
    }
    await Promise.all(Array.from({ length: 200 }, (_, index) => request(index)))
    expect(kept.length + failed.length).toBe(200)
    for (const { title, side } of kept) expect(await stage.titled(title)).toEqual({ [side.tenant.id]: 1 })
    const { rows } = await stage.database.admin('select title from books where title = any($1)', [failed])
    expect(rows).toEqual([])
    await expectNoCrossing(stage)
    await expectAllConnections(stage, CONNECTIONS)
  },
}

/** As superuser: every row has the tenant that wrote it. */
async function expectNoCrossing({ database }: Stage): Promise<void> {
  const { rows } = await database.admin('select count(*)::int as n from books where writer <> tenant_id')
  expect(rows).toEqual([{ n: 0 }])
}
