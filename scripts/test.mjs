// npm test: all vitest projects, then the type tests. Ends with the count of isolation scenarios and `N passed, N failed`.
// Arguments go to vitest: npm test -- tests/auth
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { failedTests, nameFailedTests } from './failed-tests.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const folder = mkdtempSync(join(tmpdir(), 'partywall-test-'))
const report = join(folder, 'report.json')

const run = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { stdio: 'inherit', cwd: root },
)

let result
try {
  result = JSON.parse(readFileSync(report, 'utf8'))
} catch {
  console.error('vitest wrote no report: it ended before the tests did.')
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const passed = result?.numPassedTests ?? 0
const broken = failedTests(result, root)
let failed = broken.length + (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0)
const scenarios = (result?.testResults ?? [])
  .filter((file) => relative(root, file.name) === join('tests', 'security', 'tenant-isolation.test.ts'))
  .flatMap((file) => file.assertionResults)
  .filter((test) => test.status === 'passed').length
const security = (result?.testResults ?? [])
  .filter((file) => relative(root, file.name).startsWith(join('tests', 'security')))
  .flatMap((file) => file.assertionResults)
  .filter((test) => test.status === 'passed').length
if (scenarios > 0) console.log(`\nIsolation scenarios held: ${scenarios} (all security tests: ${security})`)
nameFailedTests(broken)
if (run.status !== 0 && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
