// The test that init writes: the runner finds it, and its SQL names the tables as PostgreSQL has them.
import { describe, expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import type { TenantFacts } from '../../src/init/plan/init-plan.ts'
import { isolationTests } from '../../src/init/writers/isolation-test.ts'
import { memoryProject } from './memory-project.ts'

const FACTS: TenantFacts = {
  column: 'org_id',
  table: 'public."Orgs"',
  schema: 'public',
  tableName: 'Orgs',
  key: 'orgId',
  status: undefined,
  tier: undefined,
  schemas: ['drizzle', 'public'],
  searchPath: ['public'],
  tables: ['public.Orgs', 'public.userNotes'],
  otherTables: ['public."userNotes"'],
}

function written(manifest: object, files: Readonly<Record<string, string>> = {}) {
  const project = memoryProject({ 'package.json': JSON.stringify(manifest), ...files })
  const [test] = isolationTests(detectProject(project, {}), FACTS, 'a_app')
  return { path: test?.path, content: test?.content ?? '' }
}

const dependencies = { pg: '8.23.0' }

it('looks for names in the schemas of the application, and not in that of its migration tool', () => {
  expect(written({ dependencies }).content).toContain("searchPath: ['public']")
})

it('quotes tables and keys whose names have capital letters', () => {
  const { content } = written({ dependencies })
  expect(content).toContain(`const tables = ['public."userNotes"']`)
  expect(content).toContain('select "orgId" from public."Orgs" where "orgId"::text = $1')
})

describe('with the runner of Node.js', () => {
  const typescript = { 'src/index.ts': "import './db'" }

  it('it is no TypeScript where no script runs the tests: node --test of Node.js 20 would find nothing, and succeed', () => {
    expect(written({ dependencies }, typescript).path).toBe('test/tenant-isolation.test.mjs')
    const scripts = { test: 'echo "Error: no test specified" && exit 1' }
    expect(written({ dependencies, scripts }, typescript).path).toBe('test/tenant-isolation.test.mjs')
    expect(written({ dependencies }, typescript).content).not.toContain(': string')
  })

  it('it is written as the other tests where a script runs them', () => {
    const scripts = { test: 'tsx --test test/*.test.ts' }
    expect(written({ dependencies, scripts }, typescript).path).toBe('test/tenant-isolation.test.ts')
  })
})

it('reads .env with dotenv where the application has it: older types of Node.js have no process.loadEnvFile', () => {
  const { content } = written({ dependencies: { ...dependencies, dotenv: '17.0.0' }, type: 'module' })
  expect(content).toContain("import 'dotenv/config'")
  expect(content).not.toContain('loadEnvFile')
  expect(written({ dependencies }).content).toContain('process.loadEnvFile')
})
