import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { RunAs } from './run-as.ts'

/** The folder of all throw-away servers of this user. */
export function baseFolder(parent: string = tmpdir()): string {
  return join(parent, `partywall-${userInfo().username.replace(/\W/g, '_')}`)
}

/** The folder of one server: `owner.json` names the Node process that started the server, `data` is PostgreSQL's data directory. */
export interface InstanceFolder {
  readonly path: string
  readonly data: string
}

export async function makeInstanceFolder(base: string, runAs: RunAs): Promise<InstanceFolder> {
  const path = join(base, `postgres-${process.pid}-${randomBytes(4).toString('hex')}`)
  const data = join(path, 'data')
  await mkdir(data, { recursive: true, mode: 0o755 })
  // The server's user must be able to enter every folder above its data.
  await chmod(base, 0o755)
  await chmod(path, 0o755)
  if (runAs.uid !== undefined && runAs.gid !== undefined) await chown(data, runAs.uid, runAs.gid)
  await chmod(data, 0o700)
  await writeFile(join(path, 'owner.json'), JSON.stringify({ pid: process.pid }))
  return { path, data }
}

/**
 * Removes servers whose Node process ended without stopping them (SIGKILL, a crash).
 *
 * Ends a process only if the process certainly is such a server: `postmaster.pid` in a folder that partywall created contains the id of the
 * process. This file, and on Linux also the command line of the process, name the folder as the data directory.
 */
export async function removeOrphans(base: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(base)
  } catch {
    return // nothing was ever started here
  }
  for (const name of names) {
    if (!name.startsWith('postgres-')) continue
    const path = join(base, name)
    const owner = await ownerOf(path)
    if (owner === undefined || isAlive(owner)) continue
    const server = await serverOf(join(path, 'data'))
    if (server !== undefined) await end(server)
    await rm(path, { recursive: true, force: true }).catch(() => {}) // another process may be removing it too
  }
}

async function ownerOf(path: string): Promise<number | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(join(path, 'owner.json'), 'utf8'))
    const pid = owner !== null && typeof owner === 'object' ? Reflect.get(owner, 'pid') : undefined
    return typeof pid === 'number' ? pid : undefined
  } catch {
    return undefined
  }
}

async function serverOf(data: string): Promise<number | undefined> {
  try {
    const [pidLine, dataLine] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
    const pid = Number(pidLine)
    if (!Number.isInteger(pid) || pid <= 1 || dataLine?.trim() !== data || !isAlive(pid)) return undefined
    if (process.platform === 'linux') {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      if (!commandLine.includes(data)) return undefined
    }
    return pid
  } catch {
    return undefined
  }
}

async function end(pid: number): Promise<void> {
  signal(pid, 'SIGQUIT')
  for (let waited = 0; waited < 3000 && isAlive(pid); waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // The process has already ended.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
