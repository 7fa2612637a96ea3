// Imports go downwards only: see the table. Counts what it looked at, since a check that sees nothing passes everything.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
process.chdir(root)

// From the ground up. A room imports itself and the levels below it, never its own level and never above.
const levels = [
  ['errors'],
  ['config'],
  ['events', 'logger'],
  ['context'],
  ['resilience', 'embedded', 'catalog'],
  ['auth'],
  ['database'],
  ['rate-limit', 'audit', 'guards', 'repository', 'access', 'tenants', 'protection'],
  ['alerts', 'telemetry', 'health'],
  ['middleware'],
  ['verify', 'protect', 'testing'],
  ['compare'],
  ['report'],
  ['partywall'],
  ['index'],
]
const levelOf = new Map(levels.flatMap((rooms, level) => rooms.map((room) => [room, level])))
// Rooms that see less than all that lies below them.
const below = ['catalog', 'embedded', 'errors', 'config', 'context', 'events', 'logger']
const only = new Map([
  ['report', []],
  ['verify', below],
  ['protect', below],
  ['testing', below],
  ['compare', [...below, 'verify', 'protect']],
])
const proofRooms = new Set(['verify', 'protect', 'testing'])
// Of the database room the proof rooms see the seal and the migrations, the testing kit also the pool.
const sealOrMigrate = /^src\/database\/(seal|migrate|own-migrations)/

const MINIMUM_MODULES = 30

function roomOf(path) {
  const parts = path.split('/')
  if (parts[0] !== 'src') return undefined
  return (parts[1] ?? '').replace(/\.ts$/, '')
}

function problem(from, to) {
  const fromRoom = roomOf(from)
  const toRoom = roomOf(to)
  if (toRoom === undefined) return fromRoom === undefined ? undefined : 'src imports nothing outside src'
  if (fromRoom === undefined || fromRoom === toRoom) return undefined
  if (!levelOf.has(fromRoom)) return `room ${fromRoom} has no level in scripts/check-layering.mjs`
  if (!levelOf.has(toRoom)) return `room ${toRoom} has no level in scripts/check-layering.mjs`
  if (proofRooms.has(fromRoom) && toRoom === 'database') {
    if (sealOrMigrate.test(to) || fromRoom === 'testing') return undefined
    return `${fromRoom} sees only the seal and the migrations of database`
  }
  const allowed = only.get(fromRoom)
  if (allowed !== undefined && !allowed.includes(toRoom)) return `${fromRoom} may not import ${toRoom}`
  if (levelOf.get(toRoom) >= levelOf.get(fromRoom)) return `${fromRoom} may not import ${toRoom}: imports go down`
  return undefined
}

const { output } = await cruise(
  ['src', 'cli', 'demo', 'examples', 'leak-hunt', 'bench'].filter((folder) => existsSync(folder)),
  { tsPreCompilationDeps: true, doNotFollow: 'node_modules', exclude: 'node_modules|^dist' },
  undefined,
  { tsConfig: extractTSConfig('tsconfig.json') },
)
const modules = output.modules.filter((module) => /^(src|cli|demo|examples|leak-hunt|bench)\//.test(module.source))
const imports = modules.flatMap((module) => module.dependencies.map((to) => ({ from: module.source, to: to.resolved })))
const problems = imports
  .filter(({ to }) => /^(src|cli|demo|examples|leak-hunt|bench)\//.test(to))
  .flatMap(({ from, to }) => {
    const reason = problem(from, to)
    return reason === undefined ? [] : [`${from} -> ${to}: ${reason}`]
  })
for (const module of modules) {
  for (const dependency of module.dependencies) {
    // A type that two files of one room share is gone when the code runs; a value that both need is a design error.
    const types =
      dependency.dependencyTypes.includes('type-only') && roomOf(module.source) === roomOf(dependency.resolved)
    if (dependency.circular && !types && onlyValues(dependency.cycle) && dependency.resolved.startsWith('src/')) {
      problems.push(`${module.source} -> ${dependency.resolved}: a circle`)
    }
  }
}
function onlyValues(cycle) {
  return cycle.every((step) => !step.dependencyTypes.includes('type-only'))
}

for (const line of [...new Set(problems)].sort()) console.error(line)
if (modules.length < MINIMUM_MODULES) {
  console.error(`check-layering saw only ${modules.length} modules: it is blind (TypeScript 7 has no API for it).`)
  process.exit(1)
}
console.log(`layering: ${modules.length} modules, ${imports.length} imports, ${problems.length} problems`)
process.exit(problems.length > 0 ? 1 : 0)
