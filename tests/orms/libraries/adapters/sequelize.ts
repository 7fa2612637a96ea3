import { DataTypes, type Model, type ModelStatic, QueryTypes, Sequelize, type Transaction } from 'sequelize'
import type { Partywall } from '../../../../src/partywall.ts'
import { asBook } from '../../adapters/pg.ts'
import type { NewBook, OpenOrm, Operations } from '../../conformance/orm.ts'
import { underTest } from './under-test.ts'

const values = ({ title, writer, n, shelfId, tenantId }: NewBook) => ({
  title,
  writer,
  ...(n === undefined ? {} : { n }),
  ...(shelfId === undefined ? {} : { shelf_id: shelfId }),
  ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
})
const row = (model: Model) => asBook(model.get({ plain: true }))

interface Models {
  readonly db: Sequelize
  readonly books: ModelStatic<Model>
  readonly shelves: ModelStatic<Model>
}

function operations(models: Models, transaction: Transaction | null): Operations {
  const { db, books, shelves } = models
  return {
    all: async () => (await books.findAll({ transaction })).map(row),
    async byId(id) {
      const found = await books.findByPk(id, { transaction })
      return found === null ? undefined : row(found)
    },
    count: () => books.count({ transaction }),
    insert: async (book) => row(await books.create(values(book), { transaction, returning: true })),
    insertMany: (many) => books.bulkCreate(many.map(values), { transaction }),
    upsert: (book) =>
      books.upsert(values(book), {
        transaction,
        conflictFields: ['tenant_id', 'title'] as never,
        fields: ['title', 'writer', 'n'] as never,
      }),
    setN: async (id, n) => (await books.update({ n }, { where: { id }, transaction }))[0],
    setAllN: async (n) => (await books.update({ n }, { where: {}, transaction }))[0],
    move: (id, tenantId) => books.update({ tenant_id: tenantId }, { where: { id }, transaction }),
    remove: (id) => books.destroy({ where: { id }, transaction }),
    async shelves() {
      const found = await shelves.findAll({ include: [{ model: books, as: 'books' }], transaction })
      return found.map((shelf) => ({
        tenantId: String(shelf.get('tenant_id')),
        books: (shelf.get('books') as Model[]).map(row),
      }))
    },
    raw: (text, given = []) => db.query(text, { bind: [...given], type: QueryTypes.SELECT, transaction }),
    transaction: (fn) => db.transaction({ transaction }, (inside) => fn(operations(models, inside))),
  }
}

async function open(wall: Partywall): Promise<OpenOrm> {
  // recipe
  const db = new Sequelize({ ...wall.drivers.sequelize(), logging: false })
  // end of recipe
  const options = { timestamps: false }
  const id = { type: DataTypes.UUID, primaryKey: true, defaultValue: DataTypes.UUIDV4 }
  const tenant = { type: DataTypes.UUID, allowNull: true }
  const shelves = db.define(
    'shelves',
    { id, tenant_id: tenant, writer: DataTypes.UUID, label: DataTypes.TEXT },
    options,
  )
  const books = db.define(
    'books',
    {
      id,
      // Left out of an INSERT, so that the database fills it from the context.
      tenant_id: { ...tenant, defaultValue: db.literal('DEFAULT') },
      writer: DataTypes.UUID,
      title: DataTypes.TEXT,
      n: { type: DataTypes.INTEGER, defaultValue: 0 },
      shelf_id: DataTypes.UUID,
    },
    options,
  )
  shelves.hasMany(books, { as: 'books', foreignKey: 'shelf_id' })
  return {
    ...operations({ db, books, shelves }, null),
    async *stream() {
      for (let offset = 0; ; offset += 2) {
        const page = await books.findAll({ order: ['id'], limit: 2, offset })
        if (page.length === 0) return
        yield* page.map(row)
      }
    },
    lazy: () => books.findAll({ raw: true }),
    close: () => db.close(),
  }
}

export const sequelize = underTest('Sequelize', 'sequelize', open, {
  keepsBroken: true,
  lacks: { streams: 'Sequelize has none; pages are read' },
})
