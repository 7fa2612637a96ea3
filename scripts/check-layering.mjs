// Checks that imports go downwards only, by the table below. It counts the modules, because a check that sees none would always pass.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
process.chdir(root)

// From the lowest level up. A folder may import itself and folders of lower levels, but no other folder of its own level or above.
const levels = [
  ['errors'],
  ['config'],
  ['events', 'logger'],
  ['context'],
  ['resilience', 'embedded', 'catalog', 'seal'],
  ['migrate', 'sql', 'auth', 'cache'],
  ['tenancy'],
  ['prove'],
  ['database'],
  ['rate-limit', 'audit', 'guards', 'repository', 'access', 'tenants', 'protection'],
  ['alerts', 'telemetry', 'health'],
  ['http'],
  ['middleware'],
  ['verify', 'protect', 'testing', 'jest'],
  ['compare', 'explain', 'doctor', 'init'],
  ['report'],
  ['partywall'],
  ['index'],
]
const levelOf = new Map(levels.flatMap((rooms, level) => rooms.map((room) => [room, level])))
// Folders that may import only some of the folders below them.
const below = ['catalog', 'embedded', 'errors', 'config', 'context', 'events', 'logger', 'seal', 'migrate']
const schemaRooms = [...below, 'sql', 'tenancy', 'prove']
const only = new Map([
  ['sql', ['catalog']],
  ['tenancy', ['errors', 'catalog', 'sql']],
  ['prove', ['catalog', 'sql', 'tenancy']],
  ['report', []],
  ['verify', schemaRooms],
  ['protect', schemaRooms],
  ['testing', [...below, 'database']],
  ['compare', [...schemaRooms, 'verify', 'protect']],
  ['explain', [...schemaRooms, 'verify']],
  ['init', ['errors', 'config', 'catalog', 'migrate', 'tenancy', 'protect']],
])

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
// Cycles of type imports count too: neither of the two files can be understood without the other.
for (const { source, dependencies } of modules) {
  for (const { resolved, circular } of dependencies) {
    if (circular) problems.push(`${source} -> ${resolved}: an import cycle`)
  }
}

for (const line of [...new Set(problems)].sort()) console.error(line)
if (modules.length < MINIMUM_MODULES) {
  console.error(
    `check-layering found only ${modules.length} modules, so its result means nothing (TypeScript 7 has no API for it).`,
  )
  process.exit(1)
}
console.log(`layering: ${modules.length} modules, ${imports.length} imports, ${problems.length} problems`)
process.exit(problems.length > 0 ? 1 : 0)
