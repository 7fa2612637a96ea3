// node tests/http/mutants/run.mjs [-- nest next]: takes each part out of src/http, and expects the suite of every adapter to fail. Prints the table part x
// adapter. Run npm run test:frameworks first: it installs the frameworks and builds the application of Next.js. PARTYWALL_MUTANTS=hints,guard chooses parts.
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startVitest } from 'vitest/node'

const config = join(dirname(fileURLToPath(import.meta.url)), 'vitest.config.ts')
const table = new Map()
const adapters = new Set()
const reporter = {
  onTestModuleEnd(module) {
    const adapter = basename(module.moduleId, '.test.ts')
    adapters.add(adapter)
    const row = table.get(module.project.name) ?? new Map()
    table.set(module.project.name, row)
    // A file that could not start has found nothing.
    const failing = [...module.children.allTests('failed')][0]?.name
    row.set(adapter, failing)
    console.error(`${module.project.name}, ${adapter}: ${failing ?? 'SURVIVED'}`)
  },
}
const given = process.argv.slice(2)
const vitest = await startVitest('test', given, { config, watch: false, reporters: [reporter] })
await vitest.close()

const columns = [...adapters].sort()
let survivors = 0
console.log(`| part | ${columns.join(' | ')} |`)
for (const [part, row] of table) {
  const cells = columns.map((adapter) => {
    if (!row.has(adapter)) return '-'
    if (row.get(adapter) !== undefined) return 'found'
    survivors++
    return 'SURVIVED'
  })
  console.log(`| ${[part, ...cells].join(' | ')} |`)
}
console.log(`${table.size} parts, ${survivors} survived`)
process.exit(survivors > 0 || table.size === 0 ? 1 : 0)
