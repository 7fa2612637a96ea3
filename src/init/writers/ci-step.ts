import { parseEnv } from 'node:util'
import { ENV_FILES } from '../../config/connection-variables.ts'
import { type DatabaseParts, partNames } from '../detection/database-parts.ts'
import { installStep, runProgram } from '../detection/package-manager.ts'
import type { Project } from '../detection/project.ts'
import type { ByHand, PlannedFile } from '../plan/init-plan.ts'
import { OWNER_URL } from '../plan/owner-url.ts'
import type { ProjectFiles } from '../project-files.ts'
import { ciVariables, ciVariablesByHand } from './ci-variables.ts'
import { APP_URL, ENTRY_URL, SEAL_SECRET } from './names.ts'

/**
 * A workflow of GitHub that builds the database from the migrations and verifies it. GitHub reads workflows only at the root of a
 * repository. For GitLab and other systems, a person gets the lines.
 */
export function ciStep(
  files: ProjectFiles,
  project: Project,
): { readonly files: readonly PlannedFile[]; readonly byHand: readonly ByHand[] } {
  const { up, folder } = files.repository() ?? { up: '', folder: '' }
  const commands = commandsOf(project)
  const database = databaseLines(files, project)
  const known = new Set([...database, `${SEAL_SECRET}:`].map((line) => line.slice(0, line.indexOf(':'))))
  const variables = ciVariables(files, known, jobUrl(files, project, project.database?.variable ?? OWNER_URL))
  const other = ['.gitlab-ci.yml', 'azure-pipelines.yml', 'bitbucket-pipelines.yml', '.circleci/config.yml']
    .map((path) => `${up}${path}`)
    .find((path) => files.read(path) !== undefined)
  if (other !== undefined && !files.isFolder(`${up}.github`)) {
    const lines = folder === '' ? commands : [`cd ${folder}`, ...commands]
    const { missing, lines: set } = variables
    const names = [...set.map((line) => line.slice(0, line.indexOf(':'))), ...missing]
    return {
      files: [],
      byHand: [
        { path: other, why: 'verify the database that your migrations make', lines },
        ...ciVariablesByHand(other, names),
      ],
    }
  }
  // Each package of a repository has a workflow of its own.
  const name = folder === '' ? 'partywall' : `partywall-${folder.replace(/[^\w-]+/g, '-')}`
  const path = `${up}.github/workflows/${name}.yml`
  if (files.read(path) !== undefined) return { files: [], byHand: [] }
  const environment = [...database, ...variables.lines]
  const content = workflow({ name, folder, install: installStep(files, project), project, commands, environment })
  return {
    files: [{ kind: 'create', path, content, why: whyOf(project) }],
    byHand: [
      ...(project.migrations.command === undefined ? [migrationsByHand(path)] : []),
      ...ciVariablesByHand(path, variables.missing),
    ],
  }
}

function whyOf({ migrations }: Project): string {
  return migrations.command === undefined
    ? 'CI proves the isolation, once you have added the command of your migrations'
    : 'CI proves the isolation'
}

function migrationsByHand(path: string): ByHand {
  return { path, why: 'no command was found that runs your migrations: add it before partywall verify', lines: [] }
}

/** partywall's own objects come first: the project's migration uses them. */
function commandsOf({ packageManager, migrations }: Project): readonly string[] {
  return [
    runProgram(packageManager, 'partywall migrate'),
    migrations.command ?? '# run your migrations here',
    runProgram(packageManager, 'partywall verify'),
  ]
}

const TEST_DATABASE = { host: '127.0.0.1', port: '5432', user: 'postgres', password: 'postgres', database: 'postgres' }

/** The URL of the job's database, with the scheme of the application's own URL: its code may accept only this one. */
function jobUrl(files: ProjectFiles, { database }: Project, variable: string): string {
  const urls = [...ENV_FILES, '.env.example'].map((file) => parseEnv(files.read(file) ?? '')[variable])
  const scheme = [...urls, database?.url].flatMap((url) => /^postgres(?:ql)?(?=:\/\/)/.exec(url ?? '') ?? [])[0]
  return `${scheme ?? 'postgres'}://postgres:postgres@127.0.0.1:5432/postgres`
}

/** The variables that the project and partywall read, for the database of the job. */
function databaseLines(files: ProjectFiles, project: Project): readonly string[] {
  const { database } = project
  const parts: DatabaseParts = database?.parts ?? {}
  const values = Object.entries(TEST_DATABASE).flatMap(([part, value]) => {
    const name = Object.entries(parts).find(([each]) => each === part)?.[1]
    return name === undefined ? [] : [`${name}: '${value}'`]
  })
  const ordered = partNames(parts).flatMap((name) => values.find((line) => line.startsWith(`${name}:`)) ?? [])
  return [...new Set([OWNER_URL, database?.variable ?? OWNER_URL])]
    .map((name) => `${name}: ${jobUrl(files, project, name)}`)
    .concat(ordered)
}

interface WorkflowInput {
  readonly name: string
  readonly folder: string
  readonly install: { readonly command: string; readonly up: string }
  readonly project: Project
  readonly commands: readonly string[]
  /** Variables, as `NAME: value`. */
  readonly environment: readonly string[]
}

function workflow({ name, folder, install, project, commands, environment }: WorkflowInput): string {
  const run = (command: string) => (command.startsWith('#') ? `      ${command}` : `      - run: ${command}`)
  const isBun = project.packageManager === 'bun'
  // A path of a step is relative to the root of the repository.
  const parts = folder.split('/')
  const installFolder = parts.slice(0, parts.length - install.up.split('/').length + 1).join('/')
  const elsewhere =
    install.up === '' ? '' : `\n        working-directory: ${installFolder === '' ? '.' : installFolder}`
  return `name: ${name}
on: [push, pull_request]
jobs:
  verify:
    runs-on: ubuntu-latest
${folder === '' ? '' : `    defaults:\n      run:\n        working-directory: ${folder}\n`}    services:
      postgres:
        image: postgres:17
        env: { POSTGRES_PASSWORD: postgres }
        ports: ['5432:5432']
        options: --health-cmd pg_isready --health-interval 2s --health-retries 30
    env:
      # A throw-away database of this job: these are no secrets.
${environment.map((line) => `      ${line}`).join('\n')}
      ${SEAL_SECRET}: only-for-this-job-only-for-this-job-only-for-this-job
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 22 }
${isBun ? '      - uses: oven-sh/setup-bun@v2\n' : ''}      - run: ${install.command}${elsewhere}
${commands.map(run).join('\n')}
`
}

/** The lines for `.env.example`: names that it has already are left out. */
export function exampleEnv(text: string): string {
  const owner = `# The owner of the tables, for migrations and partywall's commands. partywall does not need it in the application.\n${OWNER_URL}=postgres://…\n`
  return `
# partywall: the login of the application, the login of sign-in and sign-up, and the secret of the seal (openssl rand -hex 32)
${APP_URL}=postgres://…
${ENTRY_URL}=postgres://…
${SEAL_SECRET}=
${text.split('\n').some((line) => line.startsWith(`${OWNER_URL}=`)) ? '' : owner}`
}
