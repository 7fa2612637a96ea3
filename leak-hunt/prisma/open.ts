import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import ts from 'typescript'
import { packageRoot } from '../../src/config/package-root.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { tenantExtension } from '../../src/middleware/prisma.ts'
import { generateClient } from './generate-client.ts'

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
  generateClient(join(packageRoot(), 'leak-hunt', 'prisma'))
  const folder = join(packageRoot(), '.partywall', 'hunt-prisma')
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    const { outputText } = ts.transpileModule(readFileSync(join(folder, name), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    })
    writeFileSync(join(folder, name.replace(/\.ts$/, '.js')), outputText)
  }
  const { PrismaClient } = await import(pathToFileURL(join(folder, 'client.js')).href)
  const client: HuntPrisma = new PrismaClient({ adapter: new PrismaPg(pool) })
  return client.$extends(tenantExtension())
}
