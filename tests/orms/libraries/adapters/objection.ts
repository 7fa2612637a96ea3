import Knex, { type Knex as Db } from 'knex'
import objection, { type TransactionOrKnex } from 'objection'
import type { Partywall } from '../../../../src/partywall.ts'
import { asBook } from '../../adapters/pg.ts'
import type { OpenOrm, Operations } from '../../conformance/orm.ts'
import { raw, values } from './knex.ts'
import { underTest } from './under-test.ts'

const { Model } = objection

class BookModel extends Model {
  static override tableName = 'books'
}
class ShelfModel extends Model {
  static override tableName = 'shelves'
  static override relationMappings = {
    books: {
      relation: Model.HasManyRelation,
      modelClass: BookModel,
      join: { from: 'shelves.id', to: 'books.shelf_id' },
    },
  }
}

const row = (model: object) => asBook(model as Record<string, unknown>)

function operations(db: TransactionOrKnex): Operations {
  const books = () => BookModel.query(db)
  return {
    all: async () => (await books()).map(row),
    async byId(id) {
      const found = await books().findById(id)
      return found === undefined ? undefined : row(found)
    },
    count: () => books().resultSize(),
    insert: async (book) =>
      row(
        await books()
          .insert(values(book) as object)
          .returning('*'),
      ),
    insertMany: async (many) => books().insert(many.map(values) as object[]),
    upsert: async (book) =>
      books()
        .insert(values(book) as object)
        .onConflict(['tenant_id', 'title'])
        .merge(['n']),
    setN: async (id, n) =>
      books()
        .findById(id)
        .patch({ n } as object),
    setAllN: async (n) => books().patch({ n } as object),
    move: async (id, tenantId) =>
      books()
        .findById(id)
        .patch({ tenant_id: tenantId } as object),
    remove: async (id) => books().deleteById(id),
    async shelves() {
      const found = await ShelfModel.query(db).withGraphFetched('books')
      return found.map((shelf) => ({
        tenantId: String(Reflect.get(shelf, 'tenant_id')),
        books: (Reflect.get(shelf, 'books') as object[]).map(row),
      }))
    },
    raw: (text, given) => raw(db as Db, text, given),
    transaction: (fn) => objection.transaction(db as Db, (inside) => fn(operations(inside))),
  }
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const db = Knex(wall.drivers.knex())
  Model.knex(db)
  // end of recipe
  return {
    ...operations(db),
    // Objection has no streams of its own: those of its Knex query.
    async *stream() {
      for await (const each of BookModel.query().toKnexQuery().stream({ highWaterMark: 2 })) yield row(each)
    },
    lazy: () => BookModel.query(),
    close: () => db.destroy(),
  }
}

export const objectionOrm = underTest('Objection', 'objection', open)
