import { PrismaPg } from '@prisma/adapter-pg'
import { tenantExtension } from '../../../src/middleware/prisma.ts'
import type { Partywall } from '../../../src/partywall.ts'
import { generatePrismaClient, PATIENT } from '../../setup/prisma-client.ts'
import type { NewBook, OpenOrm, Operations, OrmUnderTest } from '../conformance/orm.ts'
import { installedVersion } from './installed-version.ts'
import { asBook } from './pg.ts'

type Row = Record<string, unknown>
interface Model {
  findMany(args?: object): Promise<Row[]>
  findUnique(args: object): Promise<Row | null>
  count(): Promise<number>
  create(args: object): Promise<Row>
  createMany(args: object): Promise<{ count: number }>
  upsert(args: object): Promise<Row>
  updateMany(args: object): Promise<{ count: number }>
  deleteMany(args: object): Promise<{ count: number }>
}
interface Client {
  readonly books: Model
  readonly shelves: Model
  $extends(extension: <C>(client: C) => C): Client
  $queryRawUnsafe(text: string, ...values: unknown[]): Promise<Row[]>
  $executeRawUnsafe(text: string): Promise<number>
  $transaction<T>(fn: (client: Client) => Promise<T>, options?: object): Promise<T>
  $disconnect(): Promise<void>
}

const values = ({ title, writer, n, shelfId, tenantId }: NewBook) => ({
  title,
  writer,
  ...(n === undefined ? {} : { n }),
  ...(shelfId === undefined ? {} : { shelf_id: shelfId }),
  ...(tenantId === undefined ? {} : { tenant_id: tenantId }),
})

function operations(db: Client, transaction: Operations['transaction']): Operations {
  return {
    all: async () => (await db.books.findMany()).map(asBook),
    async byId(id) {
      const row = await db.books.findUnique({ where: { id } })
      return row === null ? undefined : asBook(row)
    },
    count: () => db.books.count(),
    insert: async (book) => asBook(await db.books.create({ data: values(book) })),
    insertMany: (many) => db.books.createMany({ data: many.map(values) }),
    // Prisma's upsert needs the tenant in its key; the policies decide whether it is the caller's.
    upsert: (book) =>
      db.books.upsert({
        where: { tenant_id_title: { tenant_id: book.writer, title: book.title } },
        create: values(book),
        update: { n: book.n ?? 0 },
      }),
    setN: async (id, n) => (await db.books.updateMany({ where: { id }, data: { n } })).count,
    setAllN: async (n) => (await db.books.updateMany({ data: { n } })).count,
    move: (id, tenantId) => db.books.updateMany({ where: { id }, data: { tenant_id: tenantId } }),
    remove: async (id) => (await db.books.deleteMany({ where: { id } })).count,
    async shelves() {
      const found = await db.shelves.findMany({ include: { books: true } })
      return found.map((shelf) => ({
        tenantId: String(shelf['tenant_id']),
        books: (shelf['books'] as Row[]).map(asBook),
      }))
    },
    raw: (text, given = []) => db.$queryRawUnsafe(text, ...given),
    transaction,
  }
}

async function open(wall: Partywall): Promise<OpenOrm> {
  const PrismaClient = await generatePrismaClient(new URL('./prisma', import.meta.url), 'test-prisma-orms')
  // recipe
  const client = new PrismaClient({ adapter: new PrismaPg(wall.pool), ...PATIENT }) as Client
  const db = client.$extends(tenantExtension())
  // end of recipe
  return {
    ...operations(db, (fn) =>
      // 200 requests at once wait longer for one of four connections than Prisma's 2 s.
      db.$transaction((inside) => fn(operations(inside, savepoint(inside))), { maxWait: 60_000, timeout: 60_000 }),
    ),
    async *stream() {
      for (let skip = 0; ; skip += 2) {
        const page = await db.books.findMany({ orderBy: { id: 'asc' }, take: 2, skip })
        if (page.length === 0) return
        yield* page.map(asBook)
      }
    },
    lazy: () => db.books.findMany(),
    close: () => db.$disconnect(),
  }
}

/** Prisma has no nested transactions, so the savepoint is the application's own SQL. */
function savepoint(inside: Client): Operations['transaction'] {
  return async (fn) => {
    await inside.$executeRawUnsafe('savepoint inner_one')
    try {
      return await fn(operations(inside, savepoint(inside)))
    } catch (error) {
      await inside.$executeRawUnsafe('rollback to savepoint inner_one')
      throw error
    }
  }
}

export const prismaOrm: OrmUnderTest = {
  name: 'Prisma',
  package: '@prisma/client',
  version: installedVersion('@prisma/client'),
  open,
  privilegeCode: 'PARTYWALL_TENANT_ISOLATION',
  lacks: {
    streams: 'Prisma has none; pages are read',
    'nested transactions': 'Prisma has none; SAVEPOINT is sent as raw SQL',
  },
}
