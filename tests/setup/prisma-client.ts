import { fileURLToPath } from 'node:url'
import { generateClient } from '../../leak-hunt/prisma/generate-client.ts'

/** Prisma gives a transaction 2 s to get a connection and 5 s to end, which is too little on a busy machine. */
export const PATIENT = { transactionOptions: { maxWait: 60_000, timeout: 60_000 } }

/**
 * Generates a Prisma client and loads it.
 *
 * @param folder holds schema.prisma and prisma.config.ts
 * @param output the folder below dist/ that the schema names
 */
export async function generatePrismaClient(folder: URL, output: string): Promise<new (options: object) => unknown> {
  generateClient(fileURLToPath(folder))
  const file = fileURLToPath(new URL(`../../dist/${output}/client.ts`, import.meta.url))
  return (await import(/* @vite-ignore */ file)).PrismaClient
}
