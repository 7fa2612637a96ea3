import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import { loadGeneratedClient } from '../../leak-hunt/prisma/load-client.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import { tenantExtension } from '../../src/middleware/prisma.ts'
import type { OrmReads } from './orm-sides.ts'

interface Model {
  findMany(args: object): Promise<readonly unknown[]>
}
interface Client {
  readonly plain: Model
  readonly walled: Model
  readonly sealed: Model
  $extends(extension: <C>(client: C) => C): Client
  $executeRaw(parts: TemplateStringsArray, ...values: unknown[]): Promise<number>
  $transaction(operations: readonly Promise<unknown>[]): Promise<readonly unknown[]>
  $disconnect(): Promise<void>
}

const open = async (pool: pg.Pool): Promise<Client> => {
  const PrismaClient = await loadGeneratedClient(join(packageRoot(), 'bench', 'works-with', 'prisma'), 'bench-prisma')
  return new PrismaClient({ adapter: new PrismaPg(pool) }) as Client
}
const args = (tenant_id: string, id: number) => ({
  where: { tenant_id, id },
  select: { id: true, title: true, body: true },
})

export const prisma: OrmReads = {
  orm: 'Prisma',
  async unprotected(pool) {
    const db = await open(pool)
    return { read: (tenantId, id) => db.plain.findMany(args(tenantId, id)), close: () => db.$disconnect() }
  },
  async sealed(pool) {
    const db = (await open(pool)).$extends(tenantExtension())
    return { read: (tenantId, id) => db.sealed.findMany(args(tenantId, id)), close: () => db.$disconnect() }
  },
  async usual(pool) {
    const db = await open(pool)
    return {
      async read(tenantId, id) {
        const [, rows] = await db.$transaction([
          db.$executeRaw`select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', ${tenantId}, true)`,
          db.walled.findMany(args(tenantId, id)),
        ])
        return rows as readonly unknown[]
      },
      close: () => db.$disconnect(),
    }
  },
}
