import QueryStream from 'pg-query-stream'
import * as slonik from 'slonik'
import type { Partywall } from '../../../../src/partywall.ts'
import { asBook, statements } from '../../adapters/pg.ts'
import type { OpenOrm, Operations } from '../../conformance/orm.ts'
import { underTest } from './under-test.ts'

type Db = slonik.CommonQueryMethods & Pick<slonik.DatabaseTransactionConnection, 'transaction'>

/** Slonik makes queries of templates only, so that nobody joins texts by mistake. */
function query(text: string, values: readonly unknown[]) {
  return { ...slonik.sql.unsafe`select 1`, sql: text, values: values as never }
}

function operations(db: Db): Operations {
  const run = async (text: string, given: readonly unknown[] = []) => {
    const { rows, rowCount } = await db.query(query(text, given))
    return { rows: [...rows] as Record<string, unknown>[], rowCount }
  }
  return statements(run, (fn) => db.transaction((inside) => fn(operations(inside))))
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const db = await slonik.createPool('postgres://', wall.drivers.slonik({ errors: slonik, QueryStream }))
  // end of recipe
  return {
    ...operations(db as never),
    async *stream() {
      const found: Record<string, unknown>[] = []
      await db.stream(query('select id, tenant_id as "tenantId", title, n from books', []), (stream) => {
        stream.on('data', ({ data }) => void found.push(data as never))
      })
      yield* found.map(asBook)
    },
    lazy: () => db.any(query('select tenant_id from books', [])),
    close: () => db.end(),
  }
}

export const slonikOrm = underTest('Slonik', 'slonik', open, {
  lacks: { 'streams that a reader leaves': 'Slonik hands a stream to a function and waits for its end' },
})
