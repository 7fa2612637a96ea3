import { execFileSync, spawn } from 'node:child_process'

/** The user that the server runs as; empty for the current user. PostgreSQL refuses to run as root. */
export interface RunAs {
  readonly uid?: number
  readonly gid?: number
}

/** Root starts the server as `postgres` if that user exists, otherwise as `nobody`. Other users start it as themselves. */
export function chooseUser(): RunAs {
  if (process.platform === 'win32' || process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    try {
      const read = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: read('-u'), gid: read('-g') }
    } catch {
      // No such user: try the next one.
    }
  }
  return { uid: 65534, gid: 65534 }
}

/** Whether a program starts as that user. It may be in a folder that the user can't enter, or a library may be missing. */
export function canRun(program: string, runAs: RunAs): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, ['--version'], { ...runAs, stdio: 'ignore', cwd: '/', windowsHide: true })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
  })
}
