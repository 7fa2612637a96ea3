import { fileURLToPath } from 'node:url'
import { generateClient } from '../../leak-hunt/prisma/generate-client.ts'

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
