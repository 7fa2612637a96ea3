// partywall/jest: tests of an application in Jest can load partywall, with TypeScript (ts-jest) and without.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'partywall-jest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** An application with partywall as a package of its own, and the other packages of the tests. */
function application(name: string, files: Readonly<Record<string, string>>, packages: readonly string[]): string {
  const at = join(folder, name)
  const modules = join(at, 'node_modules')
  mkdirSync(join(modules, 'partywall'), { recursive: true })
  cpSync(join(root, 'package.json'), join(modules, 'partywall', 'package.json'))
  for (const each of ['dist', 'migrations'])
    cpSync(join(root, each), join(modules, 'partywall', each), { recursive: true })
  for (const each of ['jose', 'zod', 'cockatiel', 'libpg-query', '@libpg-query', 'pg', ...packages])
    symlinkSync(join(root, 'node_modules', each), join(modules, each))
  for (const [path, text] of Object.entries(files)) writeFileSync(join(at, path), text)
  return at
}

function jest(at: string) {
  const binary = join(here, 'node_modules', 'jest', 'bin', 'jest.js')
  const { status, stderr } = spawnSync(
    process.execPath,
    [binary, '--rootDir', at, '--cacheDirectory', join(at, 'cache')],
    {
      cwd: at,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  )
  return { status, stderr }
}

const LINES = {
  transform: { '/node_modules/(?:partywall|jose)/.+\\.js$': 'partywall/jest' },
  transformIgnorePatterns: ['/node_modules/(?!(?:.*/)?(?:partywall|jose)/)'],
}
const TEST = `
  test('a request of one tenant', async () => {
    const wall = createPartywall({
      database: { url: 'postgres://app@127.0.0.1:9/x' },
      seal: { secret: 'x'.repeat(40) },
      auth: { verify: sharedSecretTokens({ secret: 'y'.repeat(40), tenant: 'org_id', user: 'sub' }) },
    })
    await expect(wall.pool.query('select 1')).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    expect(runWithTenant({ tenantId: 'a', userId: 'u' }, () => getCurrentTenant().tenantId)).toBe('a')
    await wall.close()
  })`

describe('partywall/jest', () => {
  it('lets tests in JavaScript load the wall, without TypeScript', () => {
    const at = application(
      'javascript',
      {
        'package.json': JSON.stringify({ jest: LINES }),
        'a.test.js': `const { createPartywall, getCurrentTenant, runWithTenant } = require('partywall')
          const { sharedSecretTokens } = require('partywall/auth')${TEST}`,
      },
      [],
    )
    const { status, stderr } = jest(at)
    expect(stderr).toContain('1 passed')
    expect(status).toBe(0)
  })

  it('compiles it for ts-jest, so that it shares packages with the tests', () => {
    const transform = { ...LINES.transform, '\\.ts$': join(here, 'node_modules', 'ts-jest') }
    const compilerOptions = {
      module: 'commonjs',
      target: 'es2022',
      esModuleInterop: true,
      types: [],
      isolatedModules: true,
    }
    const at = application(
      'typescript',
      {
        'package.json': JSON.stringify({ jest: { ...LINES, transform } }),
        'tsconfig.json': JSON.stringify({ compilerOptions }),
        'a.test.ts': `import pg from 'pg'
          import { createPartywall, getCurrentTenant, runWithTenant } from 'partywall'
          import { sharedSecretTokens } from 'partywall/auth'
          import { createEntryPool } from 'partywall/database'
          test('the class of pg is the same', () => expect(createEntryPool({})).toBeInstanceOf(pg.Pool))${TEST}`,
      },
      ['typescript'],
    )
    const { status, stderr } = jest(at)
    expect(stderr).toContain('2 passed')
    expect(status).toBe(0)
  })

  it('is needed: without it Jest can not load the wall', () => {
    const at = application('without', { 'package.json': '{}', 'a.test.js': `require('partywall')${TEST}` }, [])
    expect(jest(at).stderr).toContain('Test suite failed to run')
  })
})
