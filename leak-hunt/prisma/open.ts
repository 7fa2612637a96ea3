import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { packageRoot } from '../../src/config/package-root.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { tenantExtension } from '../../src/middleware/prisma.ts'
import { loadGeneratedClient } from './load-client.ts'

interface Row {
  readonly tenant_id: string
  readonly id: string
  readonly writer: string
}

/** The part of the generated Prisma client that the hunt uses. */
export interface HuntPrisma {
  readonly ledger: {
    findMany(args: object): Promise<Row[]>
    findUnique(args: object): Promise<Row | null>
    create(args: object): Promise<Row>
  }
  $extends(extension: <Client>(client: Client) => Client): HuntPrisma
  $transaction<T extends readonly unknown[]>(operations: readonly [...{ [K in keyof T]: Promise<T[K]> }]): Promise<T>
  $disconnect(): Promise<void>
}

/** Generates the client, compiles it to JavaScript, and connects it to a tenant pool. */
export async function openHuntPrisma(pool: TenantPool): Promise<HuntPrisma> {
  const PrismaClient = await loadGeneratedClient(join(packageRoot(), 'leak-hunt', 'prisma'), 'hunt-prisma')
  const client = new PrismaClient({ adapter: new PrismaPg(pool) }) as HuntPrisma
  return client.$extends(tenantExtension())
}
