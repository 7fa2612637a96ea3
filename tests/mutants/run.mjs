// node tests/mutants/run.mjs http [nest next]: takes each part of a list out of the sources, and expects the suites that use it to fail. Prints the table
// part x suite. Lists: http (tests/http/mutants; all adapters), orms (tests/orms/mutants; drivers and tenant caches). Further words choose suites,
// PARTYWALL_MUTANTS=hints,guard chooses parts. Run npm run test:frameworks, or npm run test:orms, once before: they install the libraries, and build the
// application of Next.js.
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startVitest } from 'vitest/node'

const LISTS = ['http', 'orms']
const [list, ...given] = process.argv.slice(2)
if (!LISTS.includes(list)) {
  console.error(`Name a list: ${LISTS.join(' or ')}.`)
  process.exit(2)
}
const config = join(dirname(fileURLToPath(import.meta.url)), '..', list, 'mutants', 'vitest.config.ts')
const table = new Map()
const suites = new Set()
const reporter = {
  onTestModuleEnd(module) {
    const part = module.project.name
    // Two suites have one name: that of the root install, and that of tests/orms/libraries.
    const suite = basename(module.moduleId)
      .replace(/\.test\.ts$/, '')
      .replace(/\.run\.ts$/, ' (library)')
    suites.add(suite)
    const row = table.get(part) ?? new Map()
    table.set(part, row)
    const failing = [...module.children.allTests('failed')][0]?.name
    const unused = (module.project.config.env['PARTYWALL_UNUSED'] ?? '').split(',').includes(suite)
    row.set(suite, cellOf(part, module, failing, unused))
    console.error(`${part}, ${suite}: ${row.get(suite)}${failing === undefined ? '' : `: ${failing}`}`)
  },
}

function cellOf(part, module, failing, unused) {
  // A file that could not start has found nothing.
  if (failing === undefined && !module.ok()) return 'DID NOT START'
  if (part === 'nothing') return failing === undefined ? 'passes' : 'FAILS'
  if (unused) return failing === undefined ? 'not used here' : 'USED AFTER ALL'
  return failing === undefined ? 'SURVIVED' : 'found'
}

const vitest = await startVitest('test', given, { config, watch: false, reporters: [reporter] })
await vitest.close()

const columns = [...suites].sort()
const cells = [...table.values()].flatMap((row) => [...row.values()])
const count = (cell) => cells.filter((each) => each === cell).length
console.log(`| part | ${columns.join(' | ')} |`)
console.log(`|${'---|'.repeat(columns.length + 1)}`)
for (const [part, row] of [...table].sort(([one], [other]) => (one < other ? -1 : 1)))
  console.log(`| ${[part, ...columns.map((suite) => row.get(suite) ?? '-')].join(' | ')} |`)
const good = count('found') + count('not used here') + count('passes')
console.log(
  `${table.size} parts, ${count('found')} pairs found, ${count('SURVIVED')} survived, ${cells.length - good} to look at`,
)
process.exit(good < cells.length || cells.length === 0 ? 1 : 0)
