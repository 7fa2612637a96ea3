// npm run test:orms [-- typeorm knex] [-- --node 24]: the conformance suite for all ORMs and drivers, on the sealed pool. They are packages of
// tests/orms/libraries with a lock of its own, installed here on first use. npm test has those of the root install. `--node 24` runs them on
// that release of Node.js, which npm run test:nodes installs; PARTYWALL_TEST_NODE_24 names another binary.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { failedTests, nameFailedTests } from './failed-tests.mjs'
import { installPackagesOf, nodeOf } from './packages-of.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, 'tests', 'orms', 'libraries')
const require = createRequire(import.meta.url)
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const given = process.argv.slice(2)
const release = given.includes('--node') ? given[given.indexOf('--node') + 1] : undefined
const asked = given.filter((argument) => /^[a-z][a-z0-9-]*$/.test(argument))
const node = release === undefined ? process.execPath : nodeOf(root, release)

installPackagesOf(folder, 'typeorm')

let failed = 0
let passed = 0
const types = spawnSync(process.execPath, [require.resolve('typescript/lib/tsc.js'), '--noEmit', '-p', folder], {
  stdio: 'inherit',
})
if (types.status === 0) passed++
else {
  failed++
  nameFailedTests(['the options of wall.drivers have the types that the libraries ask for (tsc)'])
}

const output = mkdtempSync(join(tmpdir(), 'partywall-orms-'))
const report = join(output, 'report.json')
const config = join(folder, 'vitest.config.ts')
const ran = spawnSync(
  node,
  [vitest, 'run', '-c', config, '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`, ...asked],
  { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` } },
)
let result
try {
  result = JSON.parse(readFileSync(report, 'utf8'))
} catch {
  console.error('vitest wrote no report: it ended before the tests did.')
}
rmSync(output, { recursive: true, force: true })
const broken = failedTests(result, root)
passed += result?.numPassedTests ?? 0
const missing = broken.length + (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0)
failed += missing > 0 || ran.status === 0 ? missing : 1
nameFailedTests(broken)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || (result?.numPassedTests ?? 0) === 0 ? 1 : 0)
