import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `prisma generate` of a client without engines; it asks for an engine's file all the same, and never runs it.
 *
 * @param folder holds schema.prisma and prisma.config.ts
 * @param output the folder below dist/ that the schema names
 */
export async function generatePrismaClient(folder: URL, output: string): Promise<new (options: object) => unknown> {
  const temporary = mkdtempSync(join(tmpdir(), 'partywall-prisma-'))
  const engine = join(temporary, 'no-engine')
  writeFileSync(engine, '#!/bin/sh\nexit 0\n')
  chmodSync(engine, 0o755)
  try {
    const prisma = fileURLToPath(new URL('../../node_modules/prisma/build/index.js', import.meta.url))
    const run = spawnSync(process.execPath, [prisma, 'generate'], {
      cwd: fileURLToPath(folder),
      env: {
        ...process.env,
        PRISMA_SCHEMA_ENGINE_BINARY: engine,
        CHECKPOINT_DISABLE: '1',
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
      },
      encoding: 'utf8',
    })
    if (run.status !== 0) throw new Error(`prisma generate failed:\n${run.stdout}\n${run.stderr}`)
  } finally {
    rmSync(temporary, { recursive: true })
  }
  const file = fileURLToPath(new URL(`../../dist/${output}/client.ts`, import.meta.url))
  return (await import(/* @vite-ignore */ file)).PrismaClient
}
