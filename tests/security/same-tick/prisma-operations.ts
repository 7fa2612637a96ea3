import type { Operation } from './stage.ts'
import { fresh } from './stage.ts'

type Row = Record<string, unknown>
type Args = Record<string, unknown>

interface PrismaModel {
  findUnique(args: Args): Promise<Row | null> & { books(args?: Args): Promise<Row[] | null> }
  findUniqueOrThrow(args: Args): Promise<Row>
  findFirst(args: Args): Promise<Row | null>
  findFirstOrThrow(args: Args): Promise<Row>
  findMany(args?: Args): Promise<Row[]>
  create(args: Args): Promise<Row>
  createMany(args: Args): Promise<{ count: number }>
  createManyAndReturn(args: Args): Promise<Row[]>
  update(args: Args): Promise<Row>
  updateMany(args: Args): Promise<{ count: number }>
  updateManyAndReturn(args: Args): Promise<Row[]>
  upsert(args: Args): Promise<Row>
  delete(args: Args): Promise<Row>
  deleteMany(args: Args): Promise<{ count: number }>
  count(args?: Args): Promise<number>
  aggregate(args: Args): Promise<{ _count: { _all: number } }>
  groupBy(args: Args): Promise<(Row & { _count: { _all: number } })[]>
}

/** The client that tests/security/same-tick/prisma/schema.prisma makes. */
export interface PrismaLike {
  readonly books: PrismaModel
  readonly shelves: PrismaModel
  $extends(extension: <Client>(client: Client) => Client): PrismaLike
  $transaction<T extends readonly unknown[]>(
    operations: readonly [...{ [K in keyof T]: Promise<T[K]> }],
    options?: Args,
  ): Promise<T>
  $transaction<T>(fn: (client: PrismaLike) => Promise<T>): Promise<T>
  $queryRaw(parts: TemplateStringsArray, ...values: unknown[]): Promise<Row[]>
  $queryRawUnsafe(text: string, ...values: unknown[]): Promise<Row[]>
  $executeRaw(parts: TemplateStringsArray, ...values: unknown[]): Promise<number>
  $executeRawUnsafe(text: string, ...values: unknown[]): Promise<number>
}

const fixed = { n: -1 }

/** Every operation of a Prisma client: model methods, compound keys, nested writes, batch and interactive transactions, raw queries. */
export function prismaOperations(prisma: () => PrismaLike): Readonly<Record<string, Operation>> {
  const made = (reader: Parameters<Operation>[0]) => ({ writer: reader.tenant.id, title: fresh() })
  return {
    findUnique: async (r) => ({
      rows: await prisma().books.findUnique({ where: { id: r.bookId } }),
      foreign: await prisma().books.findUnique({ where: { id: r.otherBookId } }),
    }),
    'findUnique of two rows at once': async (r) => {
      const [rows, foreign] = await Promise.all([
        prisma().books.findUnique({ where: { id: r.bookId } }),
        prisma().books.findUnique({ where: { id: r.otherBookId } }),
      ])
      return { rows, foreign }
    },
    'findUnique by a compound key': async (r) => ({
      rows: await prisma().books.findUnique({
        where: { tenant_id_title: { tenant_id: r.tenant.id, title: 'fixed 1' } },
      }),
      foreign: await prisma().books.findUnique({
        where: { tenant_id_title: { tenant_id: r.other.id, title: 'fixed 1' } },
      }),
    }),
    'findUnique by a compound key of its own name': async (r) => ({
      rows: await prisma().shelves.findUnique({
        where: { place: { tenant_id: r.tenant.id, label: 'fixed' } },
        include: { books: true },
      }),
      foreign: await prisma().shelves.findUnique({ where: { place: { tenant_id: r.other.id, label: 'fixed' } } }),
    }),
    'findUnique and its relation': async (r) => ({
      rows: await prisma()
        .shelves.findUnique({ where: { id: r.shelfId } })
        .books(),
    }),
    findUniqueOrThrow: async (r) => ({ rows: await prisma().books.findUniqueOrThrow({ where: { id: r.bookId } }) }),
    findFirst: async () => ({ rows: await prisma().books.findFirst({ where: fixed }) }),
    findFirstOrThrow: async () => ({ rows: await prisma().books.findFirstOrThrow({ where: fixed }) }),
    'findMany with include': async () => {
      const rows = await prisma().books.findMany({ where: fixed, include: { shelf: true } })
      return { rows, count: rows.length }
    },
    count: async () => ({ count: await prisma().books.count({ where: fixed }) }),
    aggregate: async () => ({
      count: (await prisma().books.aggregate({ where: fixed, _count: { _all: true } }))._count._all,
    }),
    groupBy: async () => {
      const rows = await prisma().books.groupBy({ by: ['tenant_id'], where: fixed, _count: { _all: true } })
      return { rows, count: rows[0]?._count._all }
    },
    create: async (r) => ({ rows: await prisma().books.create({ data: made(r) }) }),
    createMany: async (r) => {
      await prisma().books.createMany({ data: [made(r), made(r)] })
      return { count: await prisma().books.count({ where: fixed }) }
    },
    createManyAndReturn: async (r) => ({
      rows: await prisma().books.createManyAndReturn({ data: [made(r), made(r)] }),
    }),
    update: async (r) => ({
      rows: await prisma().books.update({ where: { id: r.bookId }, data: { writer: r.tenant.id } }),
    }),
    updateMany: async (r) => ({
      count: (await prisma().books.updateMany({ where: fixed, data: { writer: r.tenant.id } })).count,
    }),
    updateManyAndReturn: async (r) => {
      const rows = await prisma().books.updateManyAndReturn({ where: fixed, data: { writer: r.tenant.id } })
      return { rows, count: rows.length }
    },
    upsert: async (r) => ({
      rows: await prisma().books.upsert({
        where: { tenant_id_title: { tenant_id: r.tenant.id, title: 'fixed 1' } },
        create: made(r),
        update: { writer: r.tenant.id },
      }),
    }),
    'create and delete': async (r) => {
      const row = await prisma().books.create({ data: made(r) })
      return { rows: await prisma().books.delete({ where: { id: row['id'] } }) }
    },
    deleteMany: async (r) => {
      const data = made(r)
      await prisma().books.create({ data })
      await prisma().books.deleteMany({ where: { title: data.title } })
      return { count: await prisma().books.count({ where: fixed }) }
    },
    'a nested create': async (r) => ({
      rows: await prisma().shelves.create({
        data: { writer: r.tenant.id, label: fresh(), books: { create: [made(r), made(r)] } },
        include: { books: true },
      }),
    }),
    'a nested connectOrCreate': async (r) => ({
      rows: await prisma().books.create({
        data: {
          writer: r.tenant.id,
          title: fresh(),
          shelf: {
            connectOrCreate: {
              where: { place: { tenant_id: r.tenant.id, label: 'fixed' } },
              create: { writer: r.tenant.id, label: 'fixed' },
            },
          },
        },
        include: { shelf: true },
      }),
    }),
    'a batch of reads and writes': async (r) => {
      const [rows, count, row] = await prisma().$transaction([
        prisma().books.findMany({ where: fixed }),
        prisma().books.count({ where: fixed }),
        prisma().books.create({ data: made(r) }),
      ])
      return { rows: [rows, row], count }
    },
    'a batch with an isolation level': async (r) => {
      const [row, rows] = await prisma().$transaction(
        [prisma().books.create({ data: made(r) }), prisma().books.findMany({ where: fixed })],
        { isolationLevel: 'RepeatableRead' },
      )
      return { rows: [row, rows] }
    },
    'a batch of raw statements': async (r) => {
      const [, rows] = await prisma().$transaction([
        prisma().$executeRaw`insert into books (writer, title) values (${r.tenant.id}::uuid, ${fresh()})`,
        prisma().$queryRaw`select tenant_id::text from books where n = -1`,
      ])
      return { rows, count: rows.length }
    },
    'an interactive transaction': async (r) =>
      prisma().$transaction(async (transaction) => {
        const row = await transaction.books.create({ data: made(r) })
        const own = await transaction.books.findUnique({ where: { id: row['id'] } })
        const foreign = await transaction.books.findUnique({ where: { id: r.otherBookId } })
        return { rows: [row, own], foreign, count: await transaction.books.count({ where: fixed }) }
      }),
    $queryRaw: async () => {
      const rows = await prisma().$queryRaw`select tenant_id::text from books where n = ${-1}`
      return { rows, count: rows.length }
    },
    $queryRawUnsafe: async () => {
      const rows = await prisma().$queryRawUnsafe('select tenant_id::text from books where n = $1', -1)
      return { rows, count: rows.length }
    },
    $executeRaw: async (r) => ({
      count: await prisma().$executeRaw`update books set writer = ${r.tenant.id}::uuid where n = -1`,
    }),
    $executeRawUnsafe: async (r) => ({
      count: await prisma().$executeRawUnsafe('update books set writer = $1::uuid where n = -1', r.tenant.id),
    }),
  }
}
