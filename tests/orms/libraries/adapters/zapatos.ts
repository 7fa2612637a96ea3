import Cursor from 'pg-cursor'
import * as db from 'zapatos/db'
import type { Partywall } from '../../../../src/partywall.ts'
import { asBook, statements } from '../../adapters/pg.ts'
import type { OpenOrm, Operations } from '../../conformance/orm.ts'
import { underTest } from './under-test.ts'

function operations(on: db.Queryable): Operations {
  const run = async (text: string, given: readonly unknown[] = []) => {
    const parts = text.split(/\$\d+/)
    const places = [...text.matchAll(/\$(\d+)/g)].map(([, place]) => db.param(given[Number(place) - 1] as never))
    // Zapatos gives the rows alone; how many were changed is asked with RETURNING.
    const counted = /^(?:update|delete)/.test(text) && !text.includes('returning')
    const fragment = db.sql(
      parts.map((part, index) => (counted && index === parts.length - 1 ? `${part} returning 1` : part)) as never,
      ...(places as never[]),
    )
    const rows: Record<string, unknown>[] = await fragment.run(on)
    return { rows, rowCount: rows.length }
  }
  const base = statements(run, (fn) =>
    // Zapatos' own transaction; inside it, a savepoint.
    'Client' in on || !('release' in on)
      ? db.readCommitted(on as never, (inside) => fn(operations(inside)))
      : savepoint(on, fn),
  )
  return {
    ...base,
    // The shortcuts that are Zapatos' own.
    all: async () =>
      ((await db.select('books' as never, db.all as never).run(on)) as Record<string, unknown>[]).map(asBook),
    count: async () => Number(await db.count('books' as never, db.all as never).run(on)),
    insert: async ({ title, writer, n = 0, shelfId, tenantId }) =>
      asBook(
        await db
          .insert(
            'books' as never,
            {
              title,
              writer,
              n,
              ...(shelfId === undefined ? {} : { shelf_id: shelfId }),
              ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
            } as never,
          )
          .run(on),
      ),
  }
}

async function savepoint<T>(on: db.Queryable, fn: (inside: Operations) => Promise<T>): Promise<T> {
  await db.sql`savepoint inner_one`.run(on)
  try {
    return await fn(operations(on))
  } catch (error) {
    await db.sql`rollback to savepoint inner_one`.run(on)
    throw error
  }
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const pool = wall.pool
  // end of recipe
  return {
    ...operations(pool),
    async *stream() {
      const client = await pool.connect()
      const cursor = client.query(new Cursor('select * from books'))
      try {
        for (let part = await cursor.read(2); part.length > 0; part = await cursor.read(2)) yield* part.map(asBook)
      } finally {
        await cursor.close()
        client.release()
      }
    },
    lazy: () => db.select('books' as never, db.all as never).run(pool),
    close: async () => {},
  }
}

export const zapatos = underTest('Zapatos', 'zapatos', open, {
  lacks: { streams: 'Zapatos has none; pg-cursor reads them' },
})
