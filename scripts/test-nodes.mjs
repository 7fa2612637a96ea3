// npm run test:nodes [-- 22 24]: on other releases of Node.js than the one that runs `npm test`, the pool's tests, its attacks and what
// serves requests; on one that is too old, that it is told so in one sentence. The binaries are packages of tests/nodes with a lock of
// its own, installed here on first use; PARTYWALL_TEST_NODE_22 (18, 24) names another binary.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { failedTests, nameFailedTests } from './failed-tests.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, 'tests', 'nodes')
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const asked = process.argv.slice(2).filter((argument) => /^\d+$/.test(argument))
const versions = asked.length > 0 ? asked : ['22', '24']
const TOO_OLD = '18'
// What depends on the runtime: sockets, streams, AsyncLocalStorage, crypto.
const suites = [
  'tests/context',
  'tests/auth',
  'tests/database/conformance',
  'tests/database/pg-parity',
  'tests/database/pipelined',
  'tests/middleware',
  'tests/orms/orms',
  'tests/orms/result-caches',
  'tests/partywall',
  'tests/security/contexts',
  'tests/security/broken-network',
  'tests/security/cancel',
  'tests/security/seal',
  'tests/security/tenant-isolation',
  'tests/security/user-code-context',
]

if (!existsSync(join(folder, 'node_modules'))) install()

let passed = 0
let failed = 0
tellOld()
for (const version of versions) run(version)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)

function install() {
  const npm = process.env.npm_execpath
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  const [file, ...rest] = npm === undefined ? ['npm', ...args] : [process.execPath, npm, ...args]
  spawnSync(file, rest, { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' && npm === undefined })
}

function binary(version) {
  const named = process.env[`PARTYWALL_TEST_NODE_${version}`]
  const path =
    named ?? join(folder, 'node_modules', `node-${version}-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(path)) return path
  console.error(
    `There is no Node.js ${version} for ${process.platform}-${process.arch} in tests/nodes. Name one: PARTYWALL_TEST_NODE_${version}=/path/to/node`,
  )
  process.exit(2)
}

/** The built command and the built library. */
function tellOld() {
  const sentence = /^partywall needs Node\.js [\d.]+ or later, and this is [\d.]+\. .*\n$/
  const command = spawnSync(binary(TOO_OLD), [join(root, 'dist', 'cli', 'main.js'), '--version'], { encoding: 'utf8' })
  count('the command line is told that Node is too old', command.status === 2 && sentence.test(command.stderr))
  const text = `import(${JSON.stringify(join(root, 'dist', 'src', 'index.js'))}).catch((error) => console.log(error.message))`
  const library = spawnSync(binary(TOO_OLD), ['-e', text], { encoding: 'utf8' })
  count('an application is told that Node is too old', sentence.test(library.stdout))
}

function count(name, holds) {
  if (holds) passed++
  else failed++
  console.log(`${holds ? 'ok' : 'FAILED'}: ${name}`)
  if (!holds) nameFailedTests([name])
}

function run(version) {
  console.log(`\n=== Node.js ${version}`)
  const output = mkdtempSync(join(tmpdir(), 'partywall-nodes-'))
  const report = join(output, 'report.json')
  const node = binary(version)
  const ran = spawnSync(
    node,
    [vitest, 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`, ...suites],
    { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` } },
  )
  let result
  try {
    result = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    console.error(`Node.js ${version}: no report`)
  }
  rmSync(output, { recursive: true, force: true })
  passed += result?.numPassedTests ?? 0
  const lines = failedTests(result, root)
  nameFailedTests(lines.map((line) => `Node.js ${version}: ${line}`))
  const broken = lines.length + (result?.numPendingTests ?? 0)
  failed += broken > 0 || ran.status === 0 ? broken : 1
  console.log(`Node.js ${version}: ${result?.numPassedTests ?? 0} passed, ${broken} failed`)
}
