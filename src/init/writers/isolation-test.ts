import { quoteIdentifier } from '../../catalog/names.ts'
import { importLine } from '../code/imports.ts'
import type { Project } from '../detection/project.ts'
import type { CodeStyle } from '../detection/stack.ts'
import type { TenantFacts } from '../plan/init-plan.ts'
import { OWNER_URL } from '../plan/owner-url.ts'
import { APP_URL, SEAL_SECRET } from './names.ts'

/** A test that init writes; its path is relative to the project. */
interface WrittenTest {
  readonly path: string
  readonly content: string
}

/**
 * The test of the project's own runner: the proof of verify, and two tenants on the real database.
 *
 * Jest can't load ES modules from CommonJS, so with Jest the test is one of node:test, and a test of Jest runs it.
 */
export function isolationTests(project: Project, facts: TenantFacts, appRole: string): readonly WrittenTest[] {
  const { testFolder, testMark, testLanguage } = project.style
  const at = (folder: string, name: string) => (folder === '.' || folder === '' ? name : `${folder}/${name}`)
  const path = at(testFolder, `tenant-isolation${testMark}.${testLanguage}`)
  if (project.testRunner === 'vitest' || isRunAsItIs(project))
    return [{ path, content: isolationTest(project, facts, appRole) }]
  const style: CodeStyle = { ...project.style, language: 'js', testLanguage: 'js', modules: 'esm' }
  const content = isolationTest({ ...project, testRunner: 'node', style }, facts, appRole)
  if (project.testRunner === 'node') return [{ path: at(testFolder, `tenant-isolation${testMark}.mjs`), content }]
  // Jest runs each file in a folder __tests__ as a separate test.
  const native = at(testFolder.replace(/(?:^|\/)__tests__(?:$|\/.*)/, ''), 'tenant-isolation.mjs')
  return [
    { path: native, content },
    { path, content: jestTest(project, native) },
  ]
}

/**
 * Whether Node.js runs the test in the project's language. Without a test script, `node --test` runs the test; in Node.js 20 this command
 * finds no TypeScript, and would report that nothing failed.
 */
function isRunAsItIs({ testRunner, style, manifest }: Project): boolean {
  return testRunner === 'node' && (style.testLanguage === 'js' || manifest.testScript !== undefined)
}

function jestTest({ style, manifest }: Project, native: string): string {
  const isEsm = style.testLanguage === 'ts' || manifest.isModule
  const imported = isEsm
    ? "import { spawnSync } from 'node:child_process'"
    : "const { spawnSync } = require('node:child_process')"
  return `// The tenants of this application are kept apart. partywall init wrote this test.
${imported}

test('the tenants are kept apart', () => {
  // Jest can't load ES modules from CommonJS, so Node.js runs the test itself.
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', '${native}'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(\`\${stdout}\${stderr}\`)
}, 120_000)
`
}

function isolationTest(project: Project, facts: TenantFacts, appRole: string): string {
  const { testRunner: runner, manifest } = project
  const isTyped = project.style.testLanguage === 'ts'
  const style: CodeStyle = {
    ...project.style,
    language: project.style.testLanguage,
    modules:
      project.style.modules === 'esm' || isTyped || manifest.isModule || runner === 'vitest' ? 'esm' : 'commonjs',
  }
  const framework =
    runner === 'node'
      ? [importLine(style, ['after', 'before', 'test'], 'node:test')]
      : runner === 'vitest'
        ? [importLine(style, ['afterAll', 'beforeAll', 'test'], 'vitest')]
        : []
  const [open, close] = runner === 'node' ? ['before', 'after'] : ['beforeAll', 'afterAll']
  const builtIn = (name: string, from: string, isDefault: boolean) => {
    const names = isDefault ? name : `{ ${name} }`
    return style.modules === 'commonjs' ? `const ${names} = require('${from}')` : `import ${names} from '${from}'`
  }
  // Older types of Node.js do not know process.loadEnvFile.
  const hasDotenv = manifest.has('dotenv')
  const imports = [
    ...(hasDotenv ? [style.modules === 'commonjs' ? "require('dotenv/config')" : "import 'dotenv/config'"] : []),
    builtIn('assert', 'node:assert/strict', true),
    ...(hasDotenv ? [] : [builtIn('existsSync', 'node:fs', false)]),
    ...framework,
    importLine(style, ['startTestKit'], 'partywall/testing'),
    importLine(style, ['assertIsolated'], 'partywall/verify'),
  ]
  const typed = style.language === 'ts'
  const key = quoteIdentifier(facts.key)
  return `// The tenants of this application are kept apart. partywall init wrote this test.
// It inserts tenants into the database of ${OWNER_URL}, which stay there: run it on a database of development or of CI.
${imports.join('\n')}

${hasDotenv ? '' : "if (existsSync('.env')) process.loadEnvFile('.env')\n"}const setting = (name${typed ? ': string' : ''})${typed ? ': string' : ''} => process.env[name] ?? assert.fail(\`\${name} is not set: give it in the environment, or in .env\`)
const databaseUrl = setting('${OWNER_URL}')
const sealSecret = setting('${SEAL_SECRET}')
// Tables with rows of tenants, beside the table of tenants itself
const tables = [${facts.otherTables.map((name) => `'${name}'`).join(', ')}]

let kit${typed ? ': Awaited<ReturnType<typeof startTestKit>>' : ''}
${open}(async () => {
  kit = await startTestKit({
    databaseUrl,
    appUrl: setting('${APP_URL}'),
    sealSecret,
    searchPath: [${facts.searchPath.map((schema) => `'${schema}'`).join(', ')}],
    tenants: { table: '${facts.schema}.${facts.tableName}', id: '${facts.key}' },
  })
})
${close}(() => kit.close())

test('the policies keep tenants apart', async () => {
  await assertIsolated(databaseUrl, { appRole: '${appRole}', sealSecret, tenantColumns: ['${facts.column}'], failOn: 'high' })
})

test('a tenant sees its own row, and not the row of another tenant', async () => {
  const a = await kit.tenant('a')
  const b = await kit.tenant('b')
  const find = \`select ${key} from ${facts.table} where ${key}::text = $1\`
  assert.equal((await a.rawQuery(find, [a.tenantId])).rows.length, 1)
  assert.equal((await a.rawQuery(find, [b.tenantId])).rows.length, 0)
})

test('a new tenant sees no row of the tenants that are there', async () => {
  const a = await kit.tenant('a')
  for (const table of tables) {
    const { rows } = await a.rawQuery(\`select count(*)::int as n from \${table}\`)
    assert.equal(rows[0].n, 0, \`\${table} shows rows of other tenants\`)
  }
})

test('a session without a tenant sees nothing', async () => {
  for (const table of tables) {
    const { rows } = await kit.queryWithoutTenant(\`select count(*)::int as n from \${table}\`)
    assert.equal(rows[0].n, 0, \`\${table} shows rows without a tenant\`)
  }
})
`
}
