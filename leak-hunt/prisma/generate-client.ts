import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/config/package-root.ts'

/**
 * Runs `prisma generate` for a client without engines. Prisma still requires the path of an engine's file, but never runs it.
 *
 * @param folder contains schema.prisma and prisma.config.ts
 * @throws {Error} with the output of the generator
 */
export function generateClient(folder: string): void {
  const temporary = mkdtempSync(join(tmpdir(), 'partywall-prisma-'))
  const engine = join(temporary, 'no-engine')
  writeFileSync(engine, '#!/bin/sh\nexit 0\n')
  chmodSync(engine, 0o755)
  try {
    const prisma = join(packageRoot(), 'node_modules', 'prisma', 'build', 'index.js')
    const run = spawnSync(process.execPath, [prisma, 'generate'], {
      cwd: folder,
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
}
