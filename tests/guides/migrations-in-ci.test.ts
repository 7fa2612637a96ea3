import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../../src/config/package-root.ts'
import { createTestDatabase } from '../setup/database.ts'

const root = packageRoot()
const page = (end: string) => join(root, 'tests', 'guides', `migrations-in-ci.${end}`)
const steps: readonly { readonly run?: string }[] = parse(readFileSync(page('yaml'), 'utf8')).steps
const commands = steps.flatMap(({ run }) => (run?.includes('partywall') === true ? [run] : []))

describe('the guide to migrations in CI', { timeout: 180_000 }, () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'partywall-guide-'))
    mkdirSync(join(folder, 'migrations'))
    const take = (name: string, as: string) =>
      copyFileSync(join(root, 'migrations', name), join(folder, 'migrations', as))
    take('0001_example_schema.sql', '0001_schema.sql')
    take('enable-rls-policies.sql', '0002_policies.sql')
    git('init', '-b', 'main')
    git('add', '.')
    git('commit', '-m', 'as it was')
    git('update-ref', 'refs/remotes/origin/main', 'main')
    copyFileSync(page('sql'), join(folder, 'migrations', '0003_notes.sql'))
    return () => rmSync(folder, { recursive: true })
  })
  const git = (...words: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.example', ...words], { cwd: folder, stdio: 'pipe' })
  const run = (command: string) => {
    const words = command.replace(/^npx (--no-install )?partywall /, '').split(' ')
    const done = spawnSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...words], {
      cwd: folder,
      encoding: 'utf8',
    })
    return { code: done.status, output: done.stdout + done.stderr }
  }

  it('fails verify and diff on a new table without policies', () => {
    expect(commands).toHaveLength(2)
    const [verify, diff] = commands.map(run)
    expect(verify).toMatchObject({ code: 1, output: expect.stringContaining('public.notes') })
    expect(verify?.output).toContain('rls-disabled')
    expect(diff?.code).toBe(1)
    expect(diff?.output).toMatch(/WEAKER public\.notes/)
  })

  it('passes both with the migration that protect writes', async () => {
    const database = await createTestDatabase()
    await database.admin(readFileSync(page('sql'), 'utf8'))
    const protect = run(
      `npx partywall protect --seal --tables notes --app-role app --database-url ${database.adminUrl} --out migrations`,
    )
    expect(protect).toMatchObject({ code: 0 })
    expect(readdirSync(join(folder, 'migrations')).some((name) => name.endsWith('partywall.up.sql'))).toBe(true)
    for (const command of commands) expect(run(command)).toMatchObject({ code: 0 })
  })
})
