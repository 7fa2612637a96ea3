// A runner that names each migration never runs a new one by itself.
import { expect, it } from 'vitest'
import { fixedLists } from '../../src/init/plan/fixed-lists.ts'
import { memoryProject } from './memory-project.ts'

const MIGRATIONS = { tool: 'sql', folder: 'migrations', exists: true, language: 'sql', command: undefined } as const
const named = (files: Readonly<Record<string, string>>, tool: 'sql' | 'knex' = 'sql') =>
  fixedLists(memoryProject(files), { ...MIGRATIONS, tool }, ['006_partywall.sql']).map(
    ({ path, why }) => `${path}: ${why}`,
  )

it('is named with the file that it must run, and with the earlier files that drop tables', () => {
  const files = {
    'migrations/001_tables.sql': 'DROP TABLE IF EXISTS users;\nCREATE TABLE users (id int);',
    'migrations/002_more.sql': 'CREATE TABLE more (id int);',
    'migrations/run.js': "for (const name of ['001_tables.sql', '002_more.sql']) await run(name)",
    'package.json': '{"scripts":{"migrate":"psql -f migrations/001_tables.sql"}}',
    'tests/a.test.js': "'001_tables.sql'",
    'src/old.js': '// as in 001_tables.sql',
  }
  const [first = '', second = '', ...more] = named(files)
  expect(first).toMatch(/^migrations\/run\.js: .* add 006_partywall\.sql to its list, at the end/)
  expect(first).toContain('those with DROP TABLE or TRUNCATE (001_tables.sql) delete your rows')
  expect(second).toMatch(/^package\.json: /)
  expect(more).toEqual([])
  expect(named(files, 'knex')).toEqual([])
})

it('is no runner that reads the folder', () => {
  const files = {
    'migrations/001_tables.sql': 'CREATE TABLE users (id int);',
    'migrations/run.js': "for (const name of readdirSync('migrations')) await run(name)",
  }
  expect(named(files)).toEqual([])
})
