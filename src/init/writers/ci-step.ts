import { runProgram } from '../detection/package-manager.ts'
import type { Project } from '../detection/project.ts'
import type { ByHand, PlannedFile } from '../plan/init-plan.ts'
import type { ProjectFiles } from '../project-files.ts'
import { ENTRY_URL, SEAL_SECRET } from './wall-file.ts'

const PATH = '.github/workflows/partywall.yml'

/** A workflow of GitHub that builds the database from the migrations and verifies it. For GitLab and others: the lines. */
export function ciStep(
  files: ProjectFiles,
  project: Project,
): { readonly files: readonly PlannedFile[]; readonly byHand: readonly ByHand[] } {
  const commands = commandsOf(project)
  const other = ['.gitlab-ci.yml', 'azure-pipelines.yml', 'bitbucket-pipelines.yml', '.circleci/config.yml'].find(
    (path) => files.read(path) !== undefined,
  )
  if (other !== undefined && !files.isFolder('.github'))
    return {
      files: [],
      byHand: [{ path: other, why: 'verify the database that your migrations make', lines: commands }],
    }
  if (files.read(PATH) !== undefined) return { files: [], byHand: [] }
  return {
    files: [{ kind: 'create', path: PATH, content: workflow(project, commands), why: 'CI proves the isolation' }],
    byHand: [],
  }
}

/** partywall's own objects come first: the project's migration uses them. */
function commandsOf({ packageManager, migrations }: Project): readonly string[] {
  return [
    runProgram(packageManager, 'partywall migrate'),
    migrations.command ?? '# run your migrations here',
    runProgram(packageManager, 'partywall verify'),
  ]
}

function workflow({ packageManager, database }: Project, commands: readonly string[]): string {
  const variable = database?.variable ?? 'DATABASE_URL'
  const install = {
    npm: 'npm ci',
    pnpm: 'corepack enable && pnpm install --frozen-lockfile',
    yarn: 'corepack enable && yarn install --immutable',
    bun: 'bun install --frozen-lockfile',
  }
  return `name: partywall
on: [push, pull_request]
jobs:
  verify:
    runs-on: ubuntu-latest
    services:
      postgres:
        image: postgres:17
        env: { POSTGRES_PASSWORD: postgres }
        ports: ['5432:5432']
        options: --health-cmd pg_isready --health-interval 2s --health-retries 30
    env:
      # A throw-away database of this job: these are no secrets.
      ${variable}: postgres://postgres:postgres@127.0.0.1:5432/postgres
      ${SEAL_SECRET}: only-for-this-job-only-for-this-job-only-for-this-job
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 22 }
      - run: ${install[packageManager]}
${commands.map((command) => (command.startsWith('#') ? `      ${command}` : `      - run: ${command}`)).join('\n')}
`
}

/** The example values of `.env.example`. */
export function exampleEnv(appUrl: string, entryUrl: string, appVariable: string): string {
  return `
# partywall: the login of the application, the login of sign-in and sign-up, and the secret of the seal (openssl rand -hex 32)
${appVariable}=${appUrl}
${ENTRY_URL}=${entryUrl}
${SEAL_SECRET}=
`
}
