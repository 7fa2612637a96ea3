import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { packageRoot } from '../../src/config/package-root.ts'
import { generateClient } from './generate-client.ts'

/**
 * Generates a Prisma client, compiles it to JavaScript, and loads it.
 *
 * @param folder contains schema.prisma and prisma.config.ts
 * @param output the folder below .partywall/ that the schema names
 */
export async function loadGeneratedClient(folder: string, output: string): Promise<new (options: object) => unknown> {
  generateClient(folder)
  const made = join(packageRoot(), '.partywall', output)
  for (const name of readdirSync(made, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    const { outputText } = ts.transpileModule(readFileSync(join(made, name), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    })
    writeFileSync(join(made, name.replace(/\.ts$/, '.js')), outputText)
  }
  return (await import(pathToFileURL(join(made, 'client.js')).href)).PrismaClient
}
