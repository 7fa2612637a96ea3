// Question: what does the whole stack cost a request? GET of one document by id. One side is Express on raw pg with a hand-written tenant
// filter and no token. The other has token, tenant, context, rate limit (in memory), permission, repository, sealed row-level security and
// guard. Both run in one separate process and are measured one right after the other. If the ratio is below 0.70, look for work to remove.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../src/config/package-root.ts'
import { startTestKit } from '../src/testing/start-test-kit.ts'
import type { Bench } from './harness/contract.ts'
import { judge, median, percentile } from './harness/ratio.ts'
import { throughput } from './harness/throughput.ts'

const CALLERS = 32
const FOR_MS = 2_000

interface Answer {
  readonly status: number
  readonly text: string
}

export const bench: Bench = {
  name: 'request',
  question: 'What does the whole stack on Express cost, against Express on raw pg?',
  async run({ runs, log }) {
    const kit = await startTestKit({ migrations: join(packageRoot(), 'migrations') })
    const child = fork(fileURLToPath(new URL('./request-stack/server.js', import.meta.url)))
    const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })
    try {
      const tenant = await kit.tenant('bench')
      const ids: string[] = []
      for (let index = 0; index < 200; index++) {
        const { rows } = await kit.admin('insert into documents (tenant_id, title) values ($1, $2) returning id', [
          tenant.tenantId,
          `document ${index}`,
        ])
        ids.push(String(rows[0]?.id))
      }
      const { rows } = await kit.admin('select current_database() as name')
      const adminUrl = kit.adminUrl
      log(`database ${String(rows[0]?.name)}, ${CALLERS} callers, ${FOR_MS} ms a side and run`)
      child.send({ env: kit.env, adminUrl, tenantId: tenant.tenantId })
      const [ports] = await Promise.race([
        once(child, 'message'),
        once(child, 'exit').then(() => Promise.reject(new Error('the server ended before it served'))),
      ])
      const { raw, stack }: { raw: number; stack: number } = ports
      const authorization = `Bearer ${await tenant.token({ expiresInSeconds: 3_600 })}`

      const get = (port: number, id: string, headers: Record<string, string>): Promise<Answer> =>
        new Promise((resolve, reject) => {
          const sent = request({ agent, port, host: '127.0.0.1', path: `/documents/${id}`, headers }, (response) => {
            let text = ''
            response.setEncoding('utf8')
            response.on('data', (part: string) => {
              text += part
            })
            response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
          })
          sent.on('error', reject)
          sent.end()
        })
      const failures: string[] = []
      const call = (port: number, headers: Record<string, string>) => async (index: number) => {
        const id = ids[index % ids.length] ?? ''
        const answer = await get(port, id, headers)
        if (answer.status !== 200 || !answer.text.includes(id)) failures.push(`port ${port}: ${answer.status}`)
      }
      const sides = { raw: call(raw, {}), stack: call(stack, { authorization }) }
      const first = ids[0] ?? ''
      const [one, other] = [await get(raw, first, {}), await get(stack, first, { authorization })]
      if (one.text !== other.text) failures.push('the two sides answer differently')

      for (const side of Object.values(sides)) await throughput(side, { callers: CALLERS, forMs: 1_500 })
      const ratios: number[] = []
      const latencies: { raw: number[]; stack: number[] } = { raw: [], stack: [] }
      const cpu: { raw: number[]; stack: number[] } = { raw: [], stack: [] }
      const serverMicros = async (): Promise<number> => {
        const told = once(child, 'message')
        child.send('cpu')
        const [{ user, system }] = await told
        return user + system
      }
      const measured = async (name: keyof typeof sides, forMs: number) => {
        const began = await serverMicros()
        const result = await throughput(sides[name], { callers: CALLERS, forMs })
        cpu[name].push(((await serverMicros()) - began) / result.latenciesMs.length)
        return result
      }
      for (let run = 0; run < runs; run++) {
        const before = await measured('raw', FOR_MS / 2)
        const mine = await measured('stack', FOR_MS)
        const after = await measured('raw', FOR_MS / 2)
        const base = (before.perSecond + after.perSecond) / 2
        ratios.push(mine.perSecond / base)
        latencies.raw.push(...before.latenciesMs, ...after.latenciesMs)
        latencies.stack.push(...mine.latenciesMs)
        log(
          `run ${run + 1}: raw ${base.toFixed(0)}/s, stack ${mine.perSecond.toFixed(0)}/s, ${(mine.perSecond / base).toFixed(3)}`,
        )
      }
      const spread = (values: number[]) => ({ p50: percentile(values, 0.5), p99: percentile(values, 0.99) })
      return {
        goals: [judge('whole stack on Express, 32 callers, x Express on raw pg', ratios, 0.7)],
        details: {
          callers: CALLERS,
          // CPU time of the serving process alone, without PostgreSQL. Other load distorts it less than elapsed time.
          cpuMicrosPerRequest: { raw: Math.round(median(cpu.raw)), stack: Math.round(median(cpu.stack)) },
          latencyMs: { raw: spread(latencies.raw), stack: spread(latencies.stack) },
        },
        failures: [...new Set(failures)],
      }
    } finally {
      agent.destroy()
      if (child.connected) child.disconnect()
      await kit.close()
    }
  },
}
