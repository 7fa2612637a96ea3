import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** What a process printed until it was killed, or ended by itself. */
interface Killed {
  readonly lines: readonly string[]
  readonly killed: boolean
}

const dist = (path: string) => JSON.stringify(new URL(`../../dist/src/${path}`, import.meta.url).href)

/**
 * Runs a program on the built package (`pretest` makes it) and kills it with SIGKILL at one of its steps.
 *
 * The program has `input`, `load(path)` for modules of the package, and `step(name)`, which prints the name and, where it
 * is the one to die at, never returns. Each statement that it sends is a step too: `dieAt` is a step's name, or how the
 * statement begins before which it dies.
 */
export async function killAt(
  program: string,
  options: { readonly input: unknown; readonly dieAt: string; readonly delayMs?: number },
): Promise<Killed> {
  const { input, dieAt, delayMs } = options
  const script = `
    import pg from 'pg'
    import { once } from 'node:events'
    import { writeSync } from 'node:fs'
    const { input, dieAt, goOn } = JSON.parse(process.env.KILLED_PROCESS)
    const load = (path) => import(new URL(path, ${dist('')}).href)
    // The timer keeps the process: what never settles does not.
    const forever = () => new Promise(() => setInterval(() => {}, 1000))
    const step = async (name) => {
      writeSync(1, name + '\\n')
      if (name === dieAt) {
        writeSync(1, 'now\\n')
        if (!goOn) await forever()
      }
    }
    const send = pg.Client.prototype.query
    pg.Client.prototype.query = function (...args) {
      const text = typeof args[0] === 'string' ? args[0] : args[0]?.text
      if (typeof text !== 'string' || !text.startsWith(dieAt)) return send.apply(this, args)
      writeSync(1, 'now\\n')
      return forever()
    }
    ${program}
    process.exit(0)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, KILLED_PROCESS: JSON.stringify({ input, dieAt, goOn: delayMs !== undefined }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return watch(child, delayMs ?? 0)
}

async function watch(child: ChildProcessByStdio<null, Readable, Readable>, delayMs: number): Promise<Killed> {
  const lines: string[] = []
  let killed = false
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => {
    if (line !== 'now') {
      lines.push(line)
      return
    }
    killed = true
    if (delayMs === 0) child.kill('SIGKILL')
    else setTimeout(() => child.kill('SIGKILL'), delayMs)
  })
  const [code, signal] = await once(child, 'close')
  if (signal === null && code !== 0) throw new Error(`the process failed by itself: ${complaint}`)
  return { lines, killed: killed && signal === 'SIGKILL' }
}
