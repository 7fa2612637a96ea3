// Somebody who knows nothing of this repository follows SKILL.md to the letter, in an empty project.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { freePort } from '../../src/embedded/free-port.ts'
import { startPostgres } from '../../src/embedded/start-postgres.ts'
import { startKitIssuer } from '../../src/testing/test-issuer.ts'
import { afterFile } from '../setup/after-file.ts'

const SKILL = join(packageRoot(), 'skills', 'multi-tenant-security', 'SKILL.md')
const LIMIT_MS = 120_000

type Action =
  | { readonly kind: 'write'; readonly file: string; readonly text: string }
  | { readonly kind: 'run'; readonly command: string; readonly exit: number; readonly otherTerminal: boolean }

/** What the section "Steps" says, in its order: blocks of `sh` are run, others are the file that is named above them. */
function actionsOf(steps: string): readonly Action[] {
  const blocks = steps.matchAll(/(?:`([\w./-]+\.(?:mjs|sql))`[^\n]*\n\n)?( *)```(\w+)([^\n]*)\n([\s\S]*?)\n *```/g)
  return [...blocks].flatMap(([, file, indent = '', language, info = '', body = '']): Action[] => {
    const text = body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
    if (language !== 'sh') {
      if (file === undefined) throw new Error(`no file is named above: ${text}`)
      return [{ kind: 'write', file, text: `${text}\n` }]
    }
    const exit = Number(/exit=(\d)/.exec(info)?.[1] ?? 0)
    return text
      .split('\n')
      .map((command) => ({ kind: 'run', command, exit, otherTerminal: info.includes('terminal=2') }))
  })
}

/** The variables of the table in step 2, so that no step can need one that the reader was not told of. */
function variablesOf(steps: string): readonly string[] {
  const rows = steps.match(/^ *\| `[A-Z_`, ]+` \|.*$/gm) ?? []
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/[A-Z_]{3,}/g)].map(([name]) => name))
}

/** `npm install`, without a network: this package as it would be published, and links to what it and the reader need. */
async function install(names: readonly string[], project: string, shell: Shell): Promise<void> {
  const own: unknown = JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8'))
  const dependencies = Object.keys(Object(Reflect.get(Object(own), 'dependencies')))
  const modules = join(project, 'node_modules')
  await mkdir(join(modules, '.bin'), { recursive: true })
  await mkdir(join(modules, 'partywall'))
  const packed = await shell(
    `npm pack --ignore-scripts --silent --pack-destination "${project}" && tar -xzf "${project}"/partywall-*.tgz -C "${join(modules, 'partywall')}" --strip-components=1`,
    packageRoot(),
  )
  if (packed.code !== 0) throw new Error(packed.output)
  await symlink(join('..', 'partywall', 'dist', 'cli', 'main.js'), join(modules, '.bin', 'partywall'))
  for (const name of [...dependencies, ...names.filter((each) => each !== 'partywall')]) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(packageRoot(), 'node_modules', name), join(modules, name))
  }
}

type Shell = (command: string, cwd?: string) => Promise<{ readonly code: number; readonly output: string }>

function start(command: string, cwd: string, env: NodeJS.ProcessEnv): { child: ChildProcess; output: () => string } {
  const child = spawn('bash', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  }
  return { child, output: () => text }
}

it('ends with partywall verify holding', { timeout: LIMIT_MS }, async () => {
  const steps = /\n## Steps\n([\s\S]*?)\n## /.exec(await readFile(SKILL, 'utf8'))?.[1] ?? ''
  const project = await mkdtemp(join(tmpdir(), 'partywall-skill-'))
  const server = await startPostgres()
  const issuer = await startKitIssuer()
  const background: ChildProcess[] = []
  afterFile(async () => {
    for (const { pid } of background) if (pid !== undefined) process.kill(-pid, 'SIGTERM')
    await issuer.close()
    await server.stop()
    await rm(project, { recursive: true, force: true })
  })
  const database = await server.createDatabase()
  const known: Record<string, string> = {
    MIGRATION_DATABASE_URL: server.url(database),
    DATABASE_URL: server.urlAs('app', 'a password / of @pp', database),
    PARTYWALL_SEAL_SECRET: 'ab'.repeat(32),
    ISSUER: issuer.issuer,
    JWKS_URL: issuer.jwksUrl,
    AUDIENCE: issuer.audience,
    PORT: String(await freePort()),
  }
  const told = variablesOf(steps)
  expect([...told].sort()).toEqual(Object.keys(known).sort())
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, npm_config_offline: 'true', ...known }
  const shell: Shell = async (command, cwd = project) => {
    const { child, output } = start(command, cwd, env)
    const [code] = await once(child, 'close')
    return { code: Number(code), output: output() }
  }

  await writeFile(join(project, 'package.json'), '{ "name": "empty", "private": true }')
  const actions = actionsOf(steps)
  const transcript: string[] = []
  for (const action of actions) {
    if (action.kind === 'write') {
      await mkdir(dirname(join(project, action.file)), { recursive: true })
      await writeFile(join(project, action.file), action.text)
    } else if (action.command.startsWith('npm install ')) {
      await install(action.command.split(' ').slice(2), project, shell)
    } else if (action.otherTerminal) {
      const { child, output } = start(action.command, project, env)
      background.push(child)
      await expect.poll(output, { timeout: 30_000 }).toContain('ready')
    } else {
      const { code, output } = await shell(action.command)
      transcript.push(`$ ${action.command}\n${output}`)
      expect(code, `${action.command}\n${output}`).toBe(action.exit)
      if (action.command.includes('/documents')) expect(output.trim()).toBe('401')
    }
  }
  const commands = actions.flatMap((action) => (action.kind === 'run' ? [action.command] : []))
  expect(commands.at(-1)).toMatch(/^npx partywall verify /)
  const proof = transcript.at(-1) ?? ''
  expect(proof).toContain('public.documents')
  expect(proof).not.toMatch(/leaks|unproved|unreliable/)
  expect(transcript.find((text) => text.startsWith('$ node --test'))).toMatch(/pass 3\b/)
})
