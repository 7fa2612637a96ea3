// npm run compatibility: runs the conformance suite of all ORMs, and writes docs/compatibility.md from the results. An ORM gets a row only if
// its whole suite passed in this run. The recipes are the lines that the suite ran, between `// recipe` and `// end of recipe`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const folder = mkdtempSync(join(tmpdir(), 'partywall-compatibility-'))
const libraries = 'tests/orms/libraries'

/** The adapter of each suite. */
const ADAPTERS = {
  pg: 'tests/orms/adapters/pg.ts',
  Kysely: 'tests/orms/adapters/kysely.ts',
  Drizzle: 'tests/orms/adapters/drizzle.ts',
  Prisma: 'tests/orms/adapters/prisma.ts',
  TypeORM: `${libraries}/adapters/typeorm.ts`,
  Knex: `${libraries}/adapters/knex.ts`,
  Objection: `${libraries}/adapters/objection.ts`,
  Sequelize: `${libraries}/adapters/sequelize.ts`,
  MikroORM: `${libraries}/adapters/mikro.ts`,
  'pg-promise': `${libraries}/adapters/pg-promise.ts`,
  Slonik: `${libraries}/adapters/slonik.ts`,
  Zapatos: `${libraries}/adapters/zapatos.ts`,
}

/** Libraries without a suite of their own: the test that tries each, and how it is used. */
const OTHERS = [
  [
    'postgraphile',
    'PostGraphile',
    'answers each tenant with its own rows',
    '`createPostGraphileSchema(new wall.Pool(), …)` inside `runWithoutTenant`; `pgPool: new wall.Pool()`',
  ],
  [
    '@auth/pg-adapter',
    'Auth.js, pg adapter',
    'its adapter works inside a tenant alone',
    '`wall.pool` inside a tenant; refused before the tenant is known',
  ],
  ['better-auth', 'better-auth', 'better-auth signs users up', 'a pool of its own'],
  [
    'connect-pg-simple',
    'connect-pg-simple',
    'connect-pg-simple keeps sessions',
    'a pool of its own; refused on `wall.pool`',
  ],
  ['pg-boss', 'pg-boss', 'pg-boss: a handler works', 'a pool of its own; handlers use `wall.importContext()`'],
  [
    'graphile-worker',
    'graphile-worker',
    'graphile-worker: a task works',
    'a pool of its own; tasks use `wall.importContext()`',
  ],
]

const results = [
  ...run('root', ['tests/orms/orms.test.ts']),
  ...run('libraries', ['-c', join(root, libraries, 'vitest.config.ts')]),
]
const facts = readFileSync(join(folder, 'facts.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
rmSync(folder, { recursive: true, force: true })

const rows = []
for (const name of Object.keys(ADAPTERS)) {
  if (facts.some((fact) => fact.name === name)) continue
  console.error(`${name}: its suite did not end, so it gets no row`)
  process.exitCode = 1
}
for (const fact of facts) {
  const suite = `${fact.name} ${fact.version}`
  const tests = results.filter(({ ancestorTitles }) => ancestorTitles[0] === suite)
  const failed = tests.filter(({ status }) => status !== 'passed')
  if (tests.length < 30 || failed.length > 0) {
    console.error(`${suite}: ${failed.length} of ${tests.length} behaviours failed, so it gets no row`)
    process.exitCode = 1
    continue
  }
  rows.push({ ...fact, behaviours: tests.length, recipe: recipeOf(ADAPTERS[fact.name]) })
}
const order = Object.keys(ADAPTERS)
rows.sort(
  (one, other) => order.indexOf(one.name) - order.indexOf(other.name) || one.version.localeCompare(other.version),
)
if (rows.length === 0) {
  console.error('No suite passed, so docs/compatibility.md was left as it is.')
  process.exit(1)
}
const others = OTHERS.flatMap(([name, title, test, use]) => {
  const tried = results.filter((each) => each.title.startsWith(test))
  if (tried.length === 1 && tried[0].status === 'passed') return [`| ${title} | ${installed(name)} | ${use} |`]
  console.error(`${title}: its test did not pass, so it gets no row`)
  process.exitCode = 1
  return []
})
writeFileSync(join(root, 'docs', 'compatibility.md'), page(rows, others))
console.log(`docs/compatibility.md: ${rows.length} rows`)

function run(name, args) {
  const report = join(folder, `${name}.json`)
  spawnSync(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile.json=${report}`, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PARTYWALL_COMPATIBILITY: folder },
  })
  return JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap((file) => file.assertionResults)
}

function installed(name) {
  return JSON.parse(readFileSync(join(root, libraries, 'node_modules', name, 'package.json'), 'utf8')).version
}

function recipeOf(file) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  const [from, to] = ['// recipe', '// end of recipe'].map((mark) => lines.findIndex((line) => line.trim() === mark))
  if (from < 0 || to <= from) throw new Error(`${file} has no recipe between "// recipe" and "// end of recipe"`)
  return lines.slice(from + 1, to).map((line) => line.replace(/^ {2}/, ''))
}

function page(rows, others) {
  const [{ behaviours }] = rows
  const table = rows.map(
    ({ name, version, recipe, trips }) =>
      `| ${name} | ${version} | ${recipe.length} | ${trips.select} | ${trips.insert} | ${trips.transaction} |`,
  )
  return `# Compatibility

\`npm run compatibility\` wrote this page. Each library in the table passed the ${behaviours} behaviours of \`tests/orms/conformance/\` in that run, on a
sealed PostgreSQL 18 with Node.js ${process.versions.node}. A library whose suite fails has no row.

The lines are those that connect the library to partywall. Round trips are those of a select by id, an insert, and a transaction of two inserts.

| library | release | lines | select | insert | transaction |
|---|---|---|---|---|---|
${table.join('\n')}

## What the suite tries

- Reads, writes, relations, raw SQL, bulk writes and upserts see and change rows of their own tenant only.
- Each operation is started by two tenants in one tick of the event loop.
- 200 interleaved requests of two tenants run with errors of the database, errors of the application, refused writes and terminated connections.
- A statement without a tenant context is refused, and so is a transaction that is used in the context of another tenant.
- Refused statements leave no connection of the pool in use.
- A row for another tenant is answered with 403 and its event; a second unique value with 409; a bad value with 400.
- Injected SQL can't switch the tenant, leave a setting for the next tenant, or send a second statement.
- A suspended tenant can't write, also in a transaction that it has open.

## Other libraries

\`tests/orms/libraries/other-pools.run.ts\` tries each.

| library | release | how |
|---|---|---|
${others.join('\n')}

## Refused everywhere

- two statements in one text
- \`SET\`, \`DO\`, \`LISTEN\`, \`CREATE\`, \`ALTER\` and other statements that change the session or the schema
- \`DELETE\` by a context whose role has no such privilege

## Recipes

${rows.map((row) => recipe(row)).join('\n\n')}
`
}

function recipe({ name, version, recipe, lacks, privilegeCode, keepsBroken }) {
  const notes = Object.entries(lacks).map(([what, why]) => `- ${what}: ${why}.`)
  if (privilegeCode !== undefined)
    notes.push(
      '- A missing privilege is answered as a row of another tenant (403 in both cases): the library drops what tells them apart.',
    )
  if (keepsBroken)
    notes.push(
      '- The library has a pool of its own. It may lend a connection once more after the server ended it, also without partywall; `perTenantConnections` does not apply.',
    )
  return [`### ${name} ${version}`, '', '```ts', ...recipe, '```', ...(notes.length > 0 ? ['', ...notes] : [])].join(
    '\n',
  )
}
