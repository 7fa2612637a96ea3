// The workflow that init writes: where CI reads it, with the variables that the project reads.
import { describe, expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import type { RepositoryPlace } from '../../src/init/project-files.ts'
import { ciStep } from '../../src/init/writers/ci-step.ts'
import { memoryProject, packageJson } from './memory-project.ts'

function made(files: Readonly<Record<string, string>>, repository?: RepositoryPlace, more: object = {}) {
  const manifest = packageJson(['pg'], { scripts: { migrate: 'x' }, ...more })
  const project = memoryProject({ 'package.json': manifest, ...files }, repository)
  const { files: written, byHand } = ciStep(project, detectProject(project, {}))
  const [file] = written
  return { path: file?.path, text: file?.kind === 'create' ? file.content : '', byHand }
}

it('the workflow of a package stands at the root of the repository, and installs where the lock file is', () => {
  const { path, text } = made({ '../../pnpm-lock.yaml': 'x' }, { up: '../../', folder: 'packages/api' })
  expect(path).toBe('../../.github/workflows/partywall-packages-api.yml')
  expect(text).toContain('    defaults:\n      run:\n        working-directory: packages/api\n')
  expect(text).toContain('pnpm install --frozen-lockfile\n        working-directory: .\n')
})

it('the lock file of a folder between is found too', () => {
  const { text } = made({ '../package-lock.json': 'x' }, { up: '../../', folder: 'backend/api' })
  expect(text).toContain('npm ci\n        working-directory: backend\n')
})

it('the variables of the project get the database of the job', () => {
  const env = 'DB_HOST=h\nDB_PORT=1\nDB_USER=u\nDB_PASSWORD=p\nDB_NAME=d'
  const { text } = made({ '.env': env, 'package-lock.json': 'x' })
  expect(text).toContain(
    "DB_HOST: '127.0.0.1'\n      DB_PORT: '5432'\n      DB_USER: 'postgres'\n      DB_PASSWORD: 'postgres'\n      DB_NAME: 'postgres'\n",
  )
  expect(text).toMatch(/DATABASE_URL: postgres:/)
})

it.each([
  [{ 'package-lock.json': 'x' }, {}, 'npm ci'],
  [{}, {}, 'npm install'],
  [{ 'package-lock.json': 'x', '.gitignore': 'node_modules\npackage-lock.json\n' }, {}, 'npm install'],
  [{ 'package-lock.json': 'x', '../.gitignore': '**/package-lock.json' }, {}, 'npm install'],
  [{ 'yarn.lock': 'x' }, {}, 'corepack enable && yarn install --frozen-lockfile'],
  [{ 'yarn.lock': 'x' }, { packageManager: 'yarn@4.5.0' }, 'corepack enable && yarn install --immutable'],
  [{ 'bun.lock': 'x' }, {}, 'oven-sh/setup-bun@v2\n      - run: bun install --frozen-lockfile'],
])('%j is installed by its own package manager', (files, more, wanted) => {
  expect(made(files, undefined, more).text).toContain(`${wanted}\n`)
})

it('a workflow without a command of the migrations does not claim to prove anything', () => {
  const { byHand } = made({}, undefined, { scripts: {} })
  expect(byHand[0]?.why).toContain('no command was found that runs your migrations')
})

describe('variables that the application checks when migrations load its code', () => {
  const env = `DATABASE_CONNECTION_URL=postgresql://me:hush@db:5432/app\nJWT_SECRET=${'s'.repeat(64)}\nSMTP_PASSWORD=hush\nAPI_KEY=hush\n`
  const example = `DATABASE_CONNECTION_URL=postgresql://…\nDIRECT_URL=postgresql://…\nJWT_SECRET=change-me\nPORT=3000\nJWT_EXPIRES=1h\nGREETING="it's"\nMAIL_KEY=\nAPI_KEY=hush\nNODE_ENV=development\nODD='\${{ secrets.X }}'\n`
  const code = { 'src/db.ts': 'connect(env.DATABASE_CONNECTION_URL)' }

  it('have values in the workflow: the scheme of the own URL, the example, or a made-up secret of the right length', () => {
    const { text, byHand } = made({ ...code, '.env': env, '.env.example': example })
    expect(text).toContain('      DATABASE_CONNECTION_URL: postgresql://postgres:postgres@127.0.0.1:5432/postgres\n')
    expect(text).toContain("      DIRECT_URL: 'postgresql://postgres:postgres@127.0.0.1:5432/postgres'\n")
    expect(/JWT_SECRET: '(.*)'/.exec(text)?.[1]).toMatch(/^only-for-this-job.{47}$/)
    for (const line of ["PORT: '3000'", "JWT_EXPIRES: '1h'", "GREETING: 'it''s'"])
      expect(text).toContain(`      ${line}\n`)
    expect(text).not.toMatch(/hush|sssss|NODE_ENV|secrets\.X/)
    expect(byHand.map(({ why }) => why)).toEqual([
      expect.stringContaining('variables that the job does not set: API_KEY, MAIL_KEY, ODD, SMTP_PASSWORD.'),
    ])
  })

  it('are named if only a schema of the environment has them', () => {
    const schema =
      'const schema = z.object({\n  JWT_SECRET: z.string().length(64),\n  PORT: z.coerce.number().default(3000),\n  LOG: z.string().optional(),\n})\nschema.parse(process.env)'
    const { byHand } = made({
      ...code,
      '.env': 'DATABASE_CONNECTION_URL=postgres://a@b/c\n',
      'src/config/env.ts': schema,
    })
    expect(byHand.map(({ why }) => why)).toEqual([expect.stringMatching(/does not set: JWT_SECRET\./)])
  })

  it('are named for another CI than that of GitHub', () => {
    const { byHand } = made({ ...code, '.env': env, '.env.example': example, '.gitlab-ci.yml': 'x' })
    expect(byHand.map(({ why }) => why).join()).toContain('PORT')
  })
})
