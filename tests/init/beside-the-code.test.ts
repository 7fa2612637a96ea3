import { expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import { besideTheCode } from '../../src/init/plan/beside-the-code.ts'
import { settingsOfTests } from '../../src/init/plan/settings-of-tests.ts'
import { memoryProject } from './memory-project.ts'

const MIGRATION = { 'migrations/001_tables.sql': 'create table a ()' }

it('tells of the settings that tests need, where there are tests', () => {
  const lines = (files: Readonly<Record<string, string>>) =>
    settingsOfTests(memoryProject({ 'package.json': '{}', ...files }), 'src/partywall.ts').map(({ why }) => why)
  expect(lines({ 'src/auth.spec.ts': '' })).toEqual([
    expect.stringMatching(
      /src\/partywall\.ts need PARTYWALL_DATABASE_URL, PARTYWALL_ENTRY_URL and PARTYWALL_SEAL_SECRET/,
    ),
  ])
  expect(lines({ 'src/auth.ts': '' })).toEqual([])
})

it('tells of the start, of TLS, and of tools that would drop the keys of the migration', () => {
  const lines = (dependencies: object, files: Readonly<Record<string, string>>) => {
    const project = memoryProject({ 'package.json': JSON.stringify({ dependencies }), ...MIGRATION, ...files })
    return besideTheCode(project, detectProject(project, {}), 'src/partywall.ts').map(
      ({ path, why }) => `${path}: ${why}`,
    )
  }
  expect(lines({ pg: '8.0.0' }, { 'src/db.ts': 'new Pool({ ssl: false }); { synchronize: false }' })).toEqual([
    expect.stringContaining('await wall.ready() of src/partywall.ts'),
  ])
  const typeorm = lines(
    { typeorm: '1.0.0', pg: '8.0.0' },
    { 'src/data.ts': 'new DataSource({ ssl: { rejectUnauthorized: false } })', 'src/seed.ts': '{ synchronize: true }' },
  ).join('\n')
  expect(typeorm).toMatch(/^\.env: your connections use TLS \(src\/data\.ts\)/m)
  const seeded = lines(
    { pg: '8.0.0' },
    {
      'prisma/seed.ts': 'await prisma.user.createMany({ data })',
      'db/seeds/01.sql': 'INSERT INTO users VALUES (1)',
      'src/seed-words.ts': 'export const words = []',
      'tests/seed.test.ts': 'client.query("insert into users")',
    },
  ).join('\n')
  expect(seeded).toMatch(/^db\/seeds\/01\.sql and prisma\/seed\.ts: it writes rows without a request/m)
  expect(typeorm).toMatch(/^src\/seed\.ts: it changes tables by itself/m)
  expect(typeorm).toMatch(/^your next migration of TypeORM: a generated migration drops/m)
})

it('asks for the migrations that make the tables, where none were found', () => {
  const folders = (files: Readonly<Record<string, string>>) => {
    const project = memoryProject({ 'package.json': '{"dependencies":{"pg":"8.0.0"}}', ...files })
    return besideTheCode(project, detectProject(project, {}), 'src/partywall.ts').map(({ path }) => path)
  }
  expect(folders({})).toContain('migrations')
  expect(folders(MIGRATION)).not.toContain('migrations')
})

it('takes nothing from comments', () => {
  const files = memoryProject({
    'package.json': JSON.stringify({ dependencies: { pg: '8.0.0' } }),
    ...MIGRATION,
    'src/db.ts': `// ssl: true
const url = 'https://x/*' /* ssl: true, synchronize: true
  sslmode=require */
new Pool({
  // ssl: { rejectUnauthorized: false },
}) // isn't ssl: true`,
    'src/seed.ts': "// prisma.user.create({})\nconsole.log('nothing')",
    'db/seeds/01.sql': '-- insert into users values (1)',
  })
  const lines = besideTheCode(files, detectProject(files, {}), 'src/partywall.ts').map(({ why }) => why)
  expect(lines).toEqual([expect.stringContaining('await wall.ready()')])
})

it('still reads code that stands behind a comment, an apostrophe or a URL', () => {
  const files = memoryProject({
    'package.json': JSON.stringify({ dependencies: { pg: '8.0.0' } }),
    'src/db.tsx': '',
    'src/db.ts': "const a = /'/ // it's\nconst b = 'http://x'; new Pool({ ssl: true })",
  })
  const lines = besideTheCode(files, detectProject(files, {}), 'src/partywall.ts').map(({ why }) => why)
  expect(lines.join()).toContain('your connections use TLS (src/db.ts)')
})

it('tells of synchronize as far as it is known, and not where the written options switch it off', () => {
  const lines = (files: Readonly<Record<string, string>>) => {
    const dependencies = { '@nestjs/core': '11.0.0', '@nestjs/typeorm': '11.0.0', typeorm: '0.3.0', pg: '8.0.0' }
    const project = memoryProject({ 'package.json': JSON.stringify({ dependencies }), ...MIGRATION, ...files })
    return besideTheCode(project, detectProject(project, {}), 'src/partywall.ts').flatMap(({ path, why }) =>
      why.includes('changes tables by itself') ? [`${path}: ${why}`] : [],
    )
  }
  const asyncModule = (value: string) =>
    `TypeOrmModule.forRootAsync({ useFactory: (config) => ({ type: 'postgres', synchronize: ${value} }) })`
  expect(lines({ 'src/db.module.ts': asyncModule('config.sync') })).toEqual([])
  expect(lines({ 'src/db.module.ts': asyncModule('true') })).toEqual([])
  expect(lines({ 'src/db.module.ts': asyncModule('true'), 'src/cli.ts': '({ synchronize: true })' })).toEqual([
    expect.stringMatching(/^src\/cli\.ts: it changes tables by itself/),
  ])
  expect(lines({ 'src/data-source.ts': 'new DataSource({ synchronize: env.DB_SYNC })' })).toEqual([
    expect.stringMatching(/^src\/data-source\.ts: if its synchronize is true in an environment/),
  ])
  expect(lines({ 'src/db.module.ts': "TypeOrmModule.forRoot({ type: 'postgres', synchronize: true })" })).toEqual([
    expect.stringMatching(/^src\/db\.module\.ts: it changes tables by itself/),
  ])
})

it('does not claim that a seed writes rows of tenants', () => {
  const files = memoryProject({
    'package.json': JSON.stringify({ dependencies: { pg: '8.0.0' } }),
    ...MIGRATION,
    'src/plan.seeder.ts': '',
    'src/seeders/plan.ts': 'repository.save({ name: "free" })',
  })
  const why = besideTheCode(files, detectProject(files, {}), 'src/partywall.ts').map((each) => each.why)
  expect(why.join()).toContain('If the rows belong to tables with tenants, row-level security refuses')
})
