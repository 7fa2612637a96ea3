import { expect } from 'vitest'
import { runWithoutTenant } from '../../../../src/context/run-with-tenant.ts'
import { tenantStore } from '../../../../src/context/store.ts'
import type { Operations } from '../orm.ts'
import { CONNECTIONS } from '../stage.ts'
import type { Behaviours } from './behaviour.ts'
import { expectAllConnections } from './reading.ts'

export const transactions: Behaviours = {
  async 'a transaction commits its writes for its tenant'(stage) {
    const { a, orm } = stage
    const [first, second] = [stage.book(a), stage.book(a)]
    await stage.as(a, () =>
      orm.transaction(async (inside) => {
        await inside.insert(first)
        await inside.insert(second)
        expect(await inside.count()).toBe(a.fixed + 2)
      }),
    )
    for (const { title } of [first, second]) expect(await stage.titled(title)).toEqual({ [a.tenant.id]: 1 })
  },
  async 'a transaction that throws leaves nothing'(stage) {
    const { a, orm } = stage
    const book = stage.book(a)
    const failed = stage.as(a, () =>
      orm.transaction(async (inside) => {
        await inside.insert(book)
        throw new Error('rolled back')
      }),
    )
    await expect(failed).rejects.toThrow('rolled back')
    expect(await stage.titled(book.title)).toEqual({})
  },
  async 'an error of the database rolls its transaction back, and the connection serves the other tenant'(stage) {
    const { a, b, orm } = stage
    const book = stage.book(a)
    for (let turn = 0; turn < 2 * CONNECTIONS; turn++) {
      const failed = stage.as(a, () =>
        orm.transaction(async (inside) => {
          await inside.insert(book)
          await inside.raw('select 1 / 0')
        }),
      )
      await expect(failed).rejects.toThrow()
      expect(await stage.as(b, () => orm.count())).toBe(b.fixed)
    }
    expect(await stage.titled(book.title)).toEqual({})
    await expectAllConnections(stage, CONNECTIONS)
  },
  async 'a nested transaction that fails takes only its own writes back'(stage) {
    const { a, orm } = stage
    const [outer, inner, after] = [stage.book(a), stage.book(a), stage.book(a)]
    await stage.as(a, () =>
      orm.transaction(async (transaction) => {
        await transaction.insert(outer)
        const nested = transaction.transaction(async (inside) => {
          await inside.insert(inner)
          throw new Error('inner')
        })
        await nested.catch(() => {})
        expect(await transaction.count()).toBe(a.fixed + 1)
        await transaction.insert(after)
      }),
    )
    expect(await stage.titled(outer.title)).toEqual({ [a.tenant.id]: 1 })
    expect(await stage.titled(inner.title)).toEqual({})
    expect(await stage.titled(after.title)).toEqual({ [a.tenant.id]: 1 })
  },
  async 'a transaction reads its tenant in each statement, also after a savepoint was rolled back'(stage) {
    const { b, orm } = stage
    await stage.as(b, () =>
      orm.transaction(async (transaction) => {
        await transaction.transaction((inside) => inside.raw('select 1 / 0')).catch(() => {})
        expect(new Set((await transaction.all()).map(({ tenantId }) => tenantId))).toEqual(new Set([b.tenant.id]))
      }),
    )
  },
  async 'a transaction of one tenant that is used in the context of another is refused, and nothing is written'(stage) {
    const { a, b, orm } = stage
    const book = stage.book(b)
    let seen: unknown
    const mixed = stage.as(a, () =>
      orm.transaction(async (transaction) => {
        await transaction.count()
        // A promise of the other tenant's request, as a shared variable would give.
        seen = await outside(() => stage.as(b, () => attempt(transaction, book)))
      }),
    )
    await mixed.catch(() => {})
    expect(seen).toBe('refused')
    expect(await stage.titled(book.title)).toEqual({})
    expect(await stage.as(b, () => orm.count())).toBe(b.fixed)
  },
  async 'a transaction goes on for no tenant after its request: a statement without a context is refused'(stage) {
    const { a, orm } = stage
    let seen: unknown
    await stage
      .as(a, () =>
        orm.transaction(async (transaction) => {
          seen = await outside(() => attempt(transaction, stage.book(a)))
        }),
      )
      .catch(() => {})
    expect(seen).toBe('refused')
  },
  async 'in an explicitly empty context nothing is visible'(stage) {
    expect(await runWithoutTenant(() => stage.orm.all())).toEqual([])
    expect(await runWithoutTenant(() => stage.orm.count())).toBe(0)
  },
}

function outside<T>(fn: () => T): T {
  return tenantStore.run(undefined, fn)
}

async function attempt(transaction: Operations, book: Parameters<Operations['insert']>[0]): Promise<unknown> {
  try {
    return await transaction.insert(book)
  } catch {
    return 'refused'
  }
}
