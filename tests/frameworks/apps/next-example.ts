import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ExampleStage } from '../../examples/isolation-scenarios.ts'
import { exampleFolder, nextProgram } from '../build-next.ts'

const STARTS_WITHIN_MS = 60_000

/** Runs `next start` in the built copy of examples/next-prisma until the process of the tests ends. It makes its own wall, from the environment. */
export async function serveNextExample({ database, issuer }: ExampleStage): Promise<string> {
  const child = spawn(process.execPath, [nextProgram, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd: exampleFolder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      DATABASE_URL: database.appUrl,
      ISSUER: issuer.issuer,
      JWKS_URL: issuer.jwksUrl,
      AUDIENCE: issuer.audience,
      PARTYWALL_SEAL_SECRET: database.sealSecret,
    },
  })
  const ended = once(child, 'exit')
  // The whole group: `next start` has the server in a process of its own, which writes to a closed pipe for ever once its parent is gone.
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  process.once('exit', kill)
  let output = ''
  const url = new Promise<string>((resolve) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
      // Next.js prints the address before it accepts requests.
      if (found !== undefined && output.includes('Ready')) resolve(found)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
  })
  const late = AbortSignal.timeout(STARTS_WITHIN_MS)
  const failed = Promise.race([ended, once(late, 'abort')]).then(() => {
    throw new Error(`next start failed:\n${output}`)
  })
  return Promise.race([url, failed])
}
