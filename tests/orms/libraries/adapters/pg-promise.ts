import { PassThrough } from 'node:stream'
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
    async *stream() {
      const rows = new PassThrough({ objectMode: true, highWaterMark: 2 })
      const source = new QueryStream('select id, tenant_id as "tenantId", title, n from books', [], { batchSize: 2 })
      const done = db.stream(source, (stream) => {
        stream.on('error', (error) => rows.destroy(error))
        rows.on('close', () => source.destroy())
        stream.pipe(rows)
      })
      done.catch((error) => rows.destroy(error))
      for await (const row of rows) yield asBook(row)
      await done
    },
    lazy: () => db.any('select tenant_id from books'),
    close: () => db.$pool.end(),
  }
}

export const pgPromise = underTest('pg-promise', 'pg-promise', open)
