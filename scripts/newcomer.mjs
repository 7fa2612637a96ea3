// npm run newcomer [-- express-pg …]: takes four applications that know nothing of partywall from `partywall init --yes` to a proof. Each is copied,
// gets the packed tarball, and runs its own migrations and tests on a real PostgreSQL. The lines that a person had to change are the patches in
// tests/newcomer/by-hand. Prints the time and the changed lines of each; ends with 1 if something failed.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../dist/src/embedded/start-postgres.js'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const newcomer = join(root, 'tests', 'newcomer')
const MOST_LINES = 10
const MOST_MINUTES = 10

/** The commands that the README of each application names. `owner`: its migrations run as this role, which is no superuser. */
const apps = {
  'express-pg': { migrate: ['run', 'migrate'], test: ['test'] },
  'express-prisma': {
    generate: ['run', 'generate'],
    migrate: ['run', 'migrate'],
    test: ['test'],
    types: ['run', 'typecheck'],
  },
  'fastify-drizzle': { migrate: ['run', 'db:migrate'], test: ['test'], types: ['run', 'typecheck'] },
  'nest-typeorm': { migrate: ['run', 'migration:run'], test: ['test'], owner: true },
}
const wanted = process.argv.slice(2).filter((name) => !name.startsWith('--'))
const keep = process.argv.includes('--keep')
for (const name of wanted)
  if (!Object.hasOwn(apps, name)) {
    console.error(`There is no application ${name}: ${Object.keys(apps).join(', ')}`)
    process.exit(2)
  }

function npm(args, cwd, env = {}) {
  const path = process.env.npm_execpath
  const [file, ...first] = path === undefined ? ['npm'] : [process.execPath, path]
  return spawnSync(file, [...first, ...args], { cwd, encoding: 'utf8', env: { ...environment, ...env } })
}

// The application reads its own .env; nothing of this run may reach it.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(?:DATABASE_URL|PARTYWALL_|npm_|PG[A-Z]+$|NODE_ENV$|VITEST)/.test(name),
  ),
)

function must(step, result) {
  if (result.status === 0) return result.stdout
  throw new Error(`${step} failed:\n${result.stdout}\n${result.stderr}`.slice(-6_000))
}

const folder = mkdtempSync(join(tmpdir(), 'partywall-newcomer-'))
// `prisma generate` asks for the path of an engine, and never runs it.
const noEngine = join(folder, 'no-engine')
writeFileSync(noEngine, '#!/bin/sh\nexit 0\n')
chmodSync(noEngine, 0o755)

const rows = []
let failed = 0
try {
  must('npm pack', npm(['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], root))
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '')
  for (const name of wanted.length === 0 ? Object.keys(apps) : wanted) {
    // Each has a server of its own: roles belong to the whole server.
    const server = await startPostgres()
    try {
      rows.push(await takeIn(name, apps[name], tarball, server))
    } catch (error) {
      failed++
      console.error(`\n${name}: ${error.message}`)
    } finally {
      await server.stop()
    }
  }
} finally {
  if (!keep) rmSync(folder, { recursive: true, force: true })
}

for (const { name, minutes, lines, init, tests, verdict } of rows) {
  console.log(
    `${name.padEnd(16)} ${minutes.toFixed(1)} min (init ${init.toFixed(1)} s), ${lines} lines by hand, ${tests} tests, ${verdict}`,
  )
  if (minutes > MOST_MINUTES || lines > MOST_LINES) failed++
}
console.log(`${rows.length} taken in, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)

async function takeIn(name, app, tarball, server) {
  const at = join(folder, name)
  cpSync(join(newcomer, 'apps', name), at, {
    recursive: true,
    filter: (path) => !/[/\\](?:node_modules|dist|generated|\.env|\.partywall)$/.test(path),
  })
  const owner = await makeDatabase(server, name, app.owner === true)
  const example = readFileSync(join(at, '.env.example'), 'utf8')
  writeFileSync(join(at, '.env'), example.replace(/^DATABASE_URL=.*$/m, `DATABASE_URL=${owner}`))
  const run = (step, args, env) => must(`${name}: ${step}`, npm(args, at, env))
  const prisma = { PRISMA_SCHEMA_ENGINE_BINARY: noEngine, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' }

  console.log(`\n${name}: as it was`)
  run('npm install', ['install', '--ignore-scripts', '--no-audit', '--no-fund'])
  if (app.generate !== undefined) run('generate', app.generate, prisma)
  await migrate(name, app, at, owner)
  run('its tests, before', app.test)

  console.log(`${name}: with partywall`)
  const started = performance.now()
  run('npm install partywall', ['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball, 'pg@8.23.1'])
  const initStarted = performance.now()
  const partywall = (...args) =>
    must(
      `partywall ${args.join(' ')}`,
      spawnSync(process.execPath, [join(at, 'node_modules/partywall/dist/cli/main.js'), ...args], {
        cwd: at,
        encoding: 'utf8',
        env: environment,
      }),
    )
  partywall('init', '--yes')
  const init = (performance.now() - initStarted) / 1000
  const lines = applyByHand(name, at)
  await migrate(name, app, at, owner)
  if (app.types !== undefined) run('types', app.types)
  const tested = run('its tests, and that of the isolation', app.test)
  const report = partywall('verify', ...(app.owner === true ? [] : ['--attack']))
  const verdict = report.split('\n').find((line) => /^(?:Isolation|No finding)/.test(line)) ?? 'no verdict'
  return { name, minutes: (performance.now() - started) / 60_000, init, lines, tests: countOf(tested), verdict }
}

function countOf(output) {
  return (
    /# pass (\d+)/.exec(output)?.[1] ??
    /Tests\s+(?:\S*\s)?(\d+) passed/.exec(stripVTControlCharacters(output))?.[1] ??
    '?'
  )
}

/** The number of lines that the patch adds or changes. */
function applyByHand(name, at) {
  const patch = join(newcomer, 'by-hand', `${name}.patch`)
  if (!existsSync(patch)) return 0
  must(
    'the patch by hand',
    spawnSync('patch', ['-p1', '--no-backup-if-mismatch', '-i', patch], { cwd: at, encoding: 'utf8' }),
  )
  return readFileSync(patch, 'utf8')
    .split('\n')
    .filter((line) => /^\+(?!\+\+ )/.test(line)).length
}

async function makeDatabase(server, name, ownRole) {
  const database = name.replaceAll('-', '_')
  await server.createDatabase({ name: database })
  if (!ownRole) return server.url(database)
  const client = new pg.Client({ connectionString: server.url(database) })
  await client.connect()
  await client.query(
    `create role ${database} login createrole password 'owner'; alter database ${database} owner to ${database}`,
  )
  await client.end()
  return server.urlAs(database, 'owner', database)
}

/** Prisma's own command needs an engine that it downloads. Where it can't, each migration.sql is run as Prisma would, in its own transaction. */
async function migrate(name, app, at, url) {
  const result = npm(app.migrate, at)
  if (result.status === 0) return
  if (app.generate === undefined || !/binaries\.prisma\.sh/.test(result.stdout + result.stderr))
    must(`${name}: migrate`, result)
  console.log(`${name}: prisma can't download its schema engine here, so its migrations are run by pg`)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('create table if not exists _prisma_migrations (id text primary key, migration_name text)')
    for (const each of readdirSync(join(at, 'prisma', 'migrations')).sort()) {
      const file = join(at, 'prisma', 'migrations', each, 'migration.sql')
      const { rowCount } = await client.query('select from _prisma_migrations where migration_name = $1', [each])
      if (!existsSync(file) || rowCount !== 0) continue
      await client.query(readFileSync(file, 'utf8'))
      await client.query('insert into _prisma_migrations values ($1, $1)', [each])
    }
  } finally {
    await client.end()
  }
}
