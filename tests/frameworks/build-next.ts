import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateClient } from '../../leak-hunt/prisma/generate-client.ts'
import { packageRoot } from '../../src/config/package-root.ts'

const packages = fileURLToPath(new URL('./node_modules', import.meta.url))

/** The program of Next.js, for Node.js. */
export const nextProgram: string = join(packages, 'next', 'dist', 'bin', 'next')
/** Holds a copy of examples/next-prisma with its client of Prisma, built. */
export const exampleFolder: string = join(packageRoot(), '.partywall', 'next-prisma')

/** Builds the applications of Next.js before the tests. */
export default function buildAll(): void {
  // Its handlers are in `globalThis`, so one build serves all tests.
  buildNext(fileURLToPath(new URL('./next-app', import.meta.url)), {})
  buildExample()
}

function buildExample(): void {
  rmSync(exampleFolder, { recursive: true, force: true })
  cpSync(join(packageRoot(), 'examples', 'next-prisma'), exampleFolder, { recursive: true })
  // As if they were installed there. The packages of Prisma are in the root install.
  mkdirSync(join(exampleFolder, 'node_modules'))
  for (const name of ['next', 'react', 'react-dom'])
    symlinkSync(join(packages, name), join(exampleFolder, 'node_modules', name), 'junction')
  symlinkSync(packageRoot(), join(exampleFolder, 'node_modules', 'partywall'), 'junction')
  generateClient(exampleFolder)
  // The build loads the routes and connects to nothing.
  buildNext(exampleFolder, {
    DATABASE_URL: 'postgresql://app@127.0.0.1:1/none',
    ISSUER: 'https://idp.example',
    JWKS_URL: 'https://idp.example/keys',
    AUDIENCE: 'https://api.example',
    PARTYWALL_SEAL_SECRET: '00'.repeat(32),
  })
}

function buildNext(folder: string, settings: Readonly<Record<string, string>>): void {
  rmSync(join(folder, '.next'), { recursive: true, force: true })
  const built = spawnSync(process.execPath, [nextProgram, 'build'], {
    cwd: folder,
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1', ...settings },
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(`next build failed in ${folder}:\n${built.stdout}\n${built.stderr}`)
}
