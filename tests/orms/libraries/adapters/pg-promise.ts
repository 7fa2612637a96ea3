import pgp, { type IBaseProtocol } from 'pg-promise'
import QueryStream from 'pg-query-stream'
import type { Partywall } from '../../../../src/partywall.ts'
import { asBook, statements } from '../../adapters/pg.ts'
import type { OpenOrm, Operations } from '../../conformance/orm.ts'
import { underTest } from './under-test.ts'

function operations(db: IBaseProtocol<object>): Operations {
  const run = (text: string, given: readonly unknown[] = []) =>
    db.result({ text, values: [...given] } as never) as never
  return statements(run, (fn) => db.tx((inside) => fn(operations(inside))))
}

const library = pgp({ noWarnings: true })

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const db = library(wall.drivers.pgPromise())
  // end of recipe
  return {
    ...operations(db),
    // pg-promise waits for the end of a stream.
    async *stream() {
      const found: Record<string, unknown>[] = []
      const source = new QueryStream('select id, tenant_id as "tenantId", title, n from books', [], { batchSize: 2 })
      await db.stream(source, (stream) => void stream.on('data', (row) => void found.push(row)))
      yield* found.map(asBook)
    },
    lazy: () => db.any('select tenant_id from books'),
    close: () => db.$pool.end(),
  }
}

export const pgPromise = underTest('pg-promise', 'pg-promise', open, {
  keepsBroken: true,
  lacks: { 'streams that a reader leaves': 'pg-promise hands a stream to a function and waits for its end' },
})
