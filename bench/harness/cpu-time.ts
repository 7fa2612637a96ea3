import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { throughput } from './throughput.ts'

/** Linux counts the time of processes in hundredths of a second (USER_HZ, proc_pid_stat(5)). */
const TICK_MICROSECONDS = 10_000

/** The process id of the server's first process, the parent of all others. Asked through any connection. */
export async function postmasterOf(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const stat = await statOf(String(rows[0]?.pid))
    if (stat === undefined) throw new Error('this bench reads /proc of the machine on which the server runs (Linux)')
    return stat.parent
  } finally {
    await client.end()
  }
}

/**
 * Microseconds of processor time of this process and of the server for each call. Other work on the machine changes it far less than it
 * changes the time on the clock. Connections must stay open between the two readings, because the time of an ended process is not counted.
 */
export async function cpuMicrosPerCall(
  call: (index: number) => Promise<unknown>,
  options: { readonly callers: number; readonly forMs: number; readonly postmaster: number },
): Promise<number> {
  const server = await childMicros(options.postmaster)
  const client = process.cpuUsage()
  const { latenciesMs } = await throughput(call, options)
  const { user, system } = process.cpuUsage(client)
  return ((await childMicros(options.postmaster)) - server + user + system) / latenciesMs.length
}

async function childMicros(parent: number): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const stats = await Promise.all(pids.map(statOf))
  return stats.reduce((sum, stat) => (stat?.parent === parent ? sum + stat.ticks * TICK_MICROSECONDS : sum), 0)
}

/** Parent and used time of a process. Undefined if the process has ended. */
async function statOf(pid: string): Promise<{ parent: number; ticks: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The name of the program stands in parentheses and may hold spaces.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields === undefined) return undefined
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
}
