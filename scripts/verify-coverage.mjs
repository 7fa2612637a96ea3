// npm run verify:coverage: how much of the catalogue of holes `partywall verify` knows. Runs the three cases of each rule
// (hole, repaired, near misses) on a real PostgreSQL and counts. Exits 1 on a class that is not found or a false alarm.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const folder = mkdtempSync(join(tmpdir(), 'partywall-coverage-'))
const output = join(folder, 'report.json')

// Each class has a rule, a page and a file of cases; a test of the suite sees that none of the three is missing.
const classes = readdirSync(join(root, 'tests', 'verify', 'rules'))
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => basename(name, '.test.ts'))
  .sort()

spawnSync(
  process.execPath,
  [
    vitest,
    'run',
    '--project',
    'rules',
    '--maxWorkers=2',
    '--reporter=json',
    `--outputFile=${output}`,
    join('tests', 'verify', 'rules'),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
)

let report
try {
  report = JSON.parse(readFileSync(output, 'utf8'))
} catch {
  console.error('verify:coverage: vitest wrote no report, so nothing was counted.')
  process.exit(1)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const byRule = new Map(
  classes.map((id) => [id, { found: undefined, attacked: false, mended: 'none', silent: 0, alarms: [] }]),
)
for (const file of report.testResults) {
  for (const test of file.assertionResults) {
    const rule = byRule.get(test.ancestorTitles.find((title) => byRule.has(title)) ?? basename(file.name, '.test.ts'))
    if (rule === undefined) continue
    const passed = test.status === 'passed'
    if (test.title.startsWith('speaks of the hole')) {
      // Every hole of the class must be found; one that an attack confirms proves it.
      rule.found = passed && rule.found !== false
      rule.attacked ||= passed && test.title.endsWith('confirmed by an attack')
    } else if (test.title.startsWith('gives a fix')) rule.mended = passed ? 'yes' : 'NO'
    else if (test.title.startsWith('is silent')) {
      if (passed) rule.silent += 1
      else rule.alarms.push(test.title)
    }
    // Classes that are never above info have cases of another form.
    else rule.found = passed && rule.found !== false
  }
}

const rows = [...byRule]
const width = Math.max(...classes.map((id) => id.length))
for (const [id, rule] of rows) {
  const found = rule.found ? (rule.attacked ? 'attack' : 'static') : 'MISSED'
  console.log(
    `${id.padEnd(width)}  ${found.padEnd(6)}  fix mends: ${rule.mended.padEnd(4)}  silent on ${rule.silent}${rule.alarms.length === 0 ? '' : `  FALSE ALARM: ${rule.alarms.join('; ')}`}`,
  )
}
const classesThat = (test) => rows.filter(([, rule]) => test(rule)).length
const alarms = rows.reduce((sum, [, rule]) => sum + rule.alarms.length, 0)
const silent = rows.reduce((sum, [, rule]) => sum + rule.silent, 0)
console.log(
  `\n${classes.length} classes, ${classesThat((rule) => rule.found)} found, ${classesThat((rule) => rule.attacked)} proved by attack, ` +
    `${classesThat((rule) => rule.mended === 'yes')} fixes tried and mending, ${silent} clean schemas silent, ${alarms} false alarms`,
)
process.exit(classes.length === 0 || alarms > 0 || classesThat((rule) => !rule.found) > 0 ? 1 : 0)
