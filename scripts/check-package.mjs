// The packed tarball as its users get it: publint, are-the-types-wrong, every door importable and requirable, licences known.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackagesOf } from './packages-of.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const problems = []
let checks = 0

function run(label, file, args, cwd = root) {
  checks += 1
  const result = spawnSync(process.execPath, [file, ...args], { cwd, encoding: 'utf8' })
  if (result.status !== 0) problems.push(`${label}:\n${result.stdout}${result.stderr}`)
}

// publint and are-the-types-wrong bring fifty packages, so they have a lock file of their own.
const tools = join(root, 'scripts', 'package-tools')

/** Runs npm with the npm that runs this script, or with the one on PATH. */
function npm(args, cwd) {
  const path = process.env.npm_execpath
  return path === undefined
    ? execFileSync('npm', args, { cwd })
    : execFileSync(process.execPath, [path, ...args], { cwd })
}

if (!existsSync(join(tools, 'node_modules', 'publint')))
  npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], tools)

function bin(name, command = name) {
  const file = join(tools, 'node_modules', name, 'package.json')
  const { bin: entry } = JSON.parse(readFileSync(file, 'utf8'))
  return join(dirname(file), typeof entry === 'string' ? entry : entry[command])
}

run('publint', bin('publint'), ['run', '--strict'])
const folder = mkdtempSync(join(tmpdir(), 'partywall-pack-'))
try {
  const packed = npm(['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], root)
  const tarball = join(folder, String(packed).trim().split('\n').at(-1))
  run('are-the-types-wrong', bin('@arethetypeswrong/cli', 'attw'), [tarball, '--profile', 'esm-only'])

  execFileSync('tar', ['-xzf', tarball, '-C', folder])
  checks += 1
  const blind = mapsWithoutSources(join(folder, 'package'))
  if (blind.length > 0) problems.push(`source maps without the sources: ${blind.slice(0, 3).join(', ')} …`)

  const consumer = join(folder, 'consumer')
  mkdirSync(join(consumer, 'node_modules'), { recursive: true })
  symlinkSync(join(folder, 'package'), join(consumer, 'node_modules', 'partywall'), 'junction')
  symlinkSync(join(root, 'node_modules'), join(folder, 'package', 'node_modules'), 'junction')
  // partywall/nest imports NestJS, which the root does not have.
  const frameworks = join(root, 'tests', 'frameworks')
  installPackagesOf(frameworks, 'next')
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(frameworks, 'node_modules', '@nestjs'), join(folder, 'node_modules', '@nestjs'), 'junction')
  writeFileSync(join(consumer, 'package.json'), '{ "type": "module" }')
  const doors = Object.keys(manifest.exports).filter((door) => door !== './package.json')
  for (const door of doors) {
    const name = `partywall${door.slice(1)}`
    const code = `const a = await import('${name}'); const { createRequire } = await import('node:module');
      const b = createRequire(process.cwd() + '/x.js')('${name}');
      if (Object.keys(a).length === 0 || Object.keys(b).length === 0) throw new Error('${name} exports nothing')`
    run(name, '--input-type=module', ['-e', code], consumer)
    if (!existsSync(join(folder, 'package', manifest.exports[door].types))) problems.push(`${name}: no types`)
  }
  if (doors.length < 10) problems.push(`only ${doors.length} doors were looked at`)
  compileConsumers(consumer)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** README: "strict or not, with any moduleResolution", and TypeScript that compiles to CommonJS. */
function compileConsumers(consumer) {
  const source = `import { createPartywall } from 'partywall'
import { sharedSecretTokens } from 'partywall/auth'
import { tenantContextMiddleware } from 'partywall/express'
const verify = sharedSecretTokens({ secret: process.env['JWT_SECRET'], tenant: 'org_id' })
const wall = createPartywall({ database: { url: 'postgres://u@h/d' }, seal: { secret: process.env['SEAL'] }, auth: { verify } })
export const middleware = tenantContextMiddleware(wall)
export const rows = async (): Promise<{ id: string }[]> => (await wall.pool.query<{ id: string }>('select id from documents')).rows
// @ts-expect-error The types are there: a wrong option is refused.
sharedSecretTokens({ nothing: 1 })
`
  const settings = [
    ['nodenext', 'nodenext', ['--strict']],
    ['esnext', 'bundler', ['--strict', '--exactOptionalPropertyTypes']],
    ['commonjs', 'bundler', []],
    ['commonjs', 'node10', ['--strict', '--ignoreDeprecations', '6.0']],
    ['commonjs', 'node10', ['--strict', 'false', '--ignoreDeprecations', '6.0']],
  ]
  writeFileSync(join(consumer, 'consumer.ts'), source)
  symlinkSync(join(root, 'node_modules', '@types'), join(consumer, 'node_modules', '@types'), 'junction')
  for (const [module, resolution, more] of settings)
    run(
      `TypeScript with ${module} and ${resolution}`,
      join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
      [
        '--noEmit',
        ...['--target', 'es2022', '--types', 'node', '--skipLibCheck'],
        ...['--module', module, '--moduleResolution', resolution, ...more],
        join(consumer, 'consumer.ts'),
      ],
      consumer,
    )
}

/** A map that names sources which the package does not hold shows nothing in a debugger. */
function mapsWithoutSources(packed) {
  const maps = readdirSync(packed, { recursive: true }).filter((file) => file.endsWith('.map'))
  return maps.filter((file) => {
    const { sourcesContent } = JSON.parse(readFileSync(join(packed, file), 'utf8'))
    return !Array.isArray(sourcesContent) || sourcesContent.length === 0
  })
}

// What users install with partywall: no copyleft, nothing unknown. docs/licences.md lists the same packages.
const free =
  /^\(?(MIT|ISC|BSD-[23]-Clause|Apache-2\.0|0BSD|BlueOak-1\.0\.0|PostgreSQL|Unlicense|CC0-1\.0|Python-2\.0)( (OR|AND) [\w.-]+)*\)?$/
const seen = new Set()
const licences = []
function walk(name, from) {
  const found = findPackage(name, from)
  if (found === undefined || seen.has(found)) return
  seen.add(found)
  const {
    license,
    dependencies = {},
    optionalDependencies = {},
  } = JSON.parse(readFileSync(join(found, 'package.json'), 'utf8'))
  checks += 1
  if (typeof license !== 'string' || !free.test(license))
    problems.push(`licence of ${name}: ${JSON.stringify(license)}`)
  licences.push(`| ${name} | ${license} |`)
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) walk(dependency, found)
}
function findPackage(name, from) {
  for (let at = from; ; at = dirname(at)) {
    const path = join(at, 'node_modules', name)
    if (existsSync(join(path, 'package.json'))) return path
    if (dirname(at) === at) return undefined
  }
}
for (const name of [...Object.keys(manifest.dependencies), 'pg']) walk(name, root)
if (seen.size < 5) problems.push(`licences: only ${seen.size} packages were looked at`)

checks += 1
const listed = readFileSync(join(root, 'docs', 'licences.md'), 'utf8')
const rows = [...new Set(licences)].sort()
if (rows.join('\n') !== [...listed.matchAll(/^\| (?!package|---)\S+ \| .+ \|$/gm)].map(([row]) => row).join('\n'))
  problems.push(`docs/licences.md does not list what is installed; its rows must be:\n${rows.join('\n')}`)

const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
checks += 1
if (/"resolved"/.test(lock)) problems.push('package-lock.json holds addresses')
const installed = readdirSync(join(root, 'node_modules')).length
checks += 1
if (installed > 500) problems.push(`${installed} packages at the root of node_modules: 500 is the limit`)

for (const line of problems) console.error(line)
console.log(`package: ${checks} checks, ${problems.length} problems`)
process.exit(problems.length > 0 ? 1 : 0)
