import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Builds the application before the tests. Its handlers are in `globalThis`, so one build serves all of them. */
export default function buildNext(): void {
  const folder = fileURLToPath(new URL('./next-app', import.meta.url))
  rmSync(join(folder, '.next'), { recursive: true, force: true })
  const next = createRequire(import.meta.url).resolve('next/package.json')
  const built = spawnSync(process.execPath, [join(next, '..', 'dist', 'bin', 'next'), 'build'], {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(`next build failed:\n${built.stdout}\n${built.stderr}`)
}
