// npm run test:frameworks [-- examples] [-- --node 24]: the behaviours of tests/http against NestJS on Express and on Fastify, and against Next.js, and
// the examples with NestJS, Next.js and Sequelize. npm test has the other adapters and examples. Names choose test files.
// The frameworks are packages of tests/frameworks with a lock of its own; installed here on first use.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { failedTests, nameFailedTests } from './failed-tests.mjs'
import { installPackagesOf, nodeOf } from './packages-of.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)
const program = (name, path) => join(dirname(require.resolve(`${name}/package.json`)), path)
const given = process.argv.slice(2)
const node = given[0] === '--node' ? nodeOf(root, given[1]) : process.execPath
const asked = given.filter((argument) => /^[a-z][a-z-]*$/.test(argument))
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
const run = (...args) => spawnSync(node, args, { cwd: root, stdio: 'inherit', env })

installPackagesOf(join(root, 'tests', 'frameworks'), 'next')
if (run(program('typescript', 'bin/tsc'), '-p', 'tests/frameworks').status !== 0) process.exit(1)

const folder = mkdtempSync(join(tmpdir(), 'partywall-frameworks-'))
const report = join(folder, 'report.json')
const config = ['-c', 'vitest.frameworks.config.ts']
const { status } = run(
  program('vitest', 'vitest.mjs'),
  'run',
  ...config,
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...asked,
)
let result
try {
  result = JSON.parse(readFileSync(report, 'utf8'))
} catch {
  console.error('no report')
}
rmSync(folder, { recursive: true, force: true })
const lines = failedTests(result, root)
nameFailedTests(lines)
const passed = result?.numPassedTests ?? 0
const broken = lines.length + (result?.numPendingTests ?? 0)
const failed = broken > 0 || status === 0 ? broken : 1
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
