// The page is made from tests/orms, which compile and run each line. These libraries stand in a lock file of their own there.
declare const Kysely: typeof import('kysely').Kysely
declare const PostgresDialect: typeof import('kysely').PostgresDialect
declare const Cursor: typeof import('pg-cursor')
declare const QueryStream: typeof import('pg-query-stream')
type Tables = { readonly books: { readonly id: string } }
declare const drizzle: typeof import('drizzle-orm/node-postgres').drizzle
declare const schema: Record<string, unknown>
declare const runWithoutTenant: typeof import('partywall').runWithoutTenant
declare const tenantExtension: typeof import('partywall/prisma').tenantExtension
declare const PrismaPg: typeof import('@prisma/adapter-pg').PrismaPg
declare const PrismaClient: new (options: unknown) => unknown
type Client = { $extends(extension: unknown): unknown }
declare const DataSource: new (options: unknown) => { initialize(): Promise<unknown> }
declare const Knex: (options: unknown) => unknown
declare const Model: { knex(db: unknown): void }
declare const Sequelize: new (options: unknown) => unknown
declare const MikroORM: { init(options: unknown): Promise<{ readonly em: { fork(): unknown } }> }
declare const slonik: { createPool(url: string, options: unknown): Promise<unknown> }
declare const library: (options: unknown) => unknown
declare const Book: unknown
declare const Shelf: unknown
declare const BookSchema: unknown
declare const ShelfSchema: unknown
