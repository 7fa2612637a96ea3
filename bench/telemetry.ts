// Question: what does telemetry cost a request if no SDK is installed, and how large does a scrape get?
// Compared with the time of one JSON.stringify of a small answer, as a request does it anyway. A ratio above 0.5 would mean
// that the no-op code path allocates memory.
import { createSecurityEvents } from '../src/events/security-events.ts'
import { createTelemetry } from '../src/telemetry/index.ts'
import type { Bench } from './harness/contract.ts'
import { judge } from './harness/ratio.ts'

const ROUNDS = 500_000

function nanoseconds(work: () => unknown): number {
  const begun = performance.now()
  for (let round = 0; round < ROUNDS; round++) work()
  return ((performance.now() - begun) * 1e6) / ROUNDS
}

export const bench: Bench = {
  name: 'telemetry',
  question: 'What does telemetry cost a request without an SDK?',
  async run({ runs, log }) {
    const events = createSecurityEvents()
    const telemetry = createTelemetry({ events })
    const answer = { data: Array.from({ length: 10 }, (_, id) => ({ id, title: 'a document', tags: ['a', 'b'] })) }
    const decision = { tier: 'pro', outcome: 'allowed', mode: 'store' } as const
    const decide = () => telemetry.limitDecision(decision)
    const serialize = () => JSON.stringify(answer)
    const ratios: number[] = []
    const counted: number[] = []
    nanoseconds(decide)
    nanoseconds(serialize)
    for (let run = 0; run < runs; run++) {
      const cost = nanoseconds(decide)
      counted.push(cost)
      ratios.push(cost / nanoseconds(serialize))
    }
    telemetry.close()
    log(`one decision: ${counted.map((cost) => cost.toFixed(0)).join(' ')} ns`)
    return {
      goals: [judge('one counted decision without an SDK, x JSON.stringify of ten rows', ratios, 0.1, 'at-most')],
      details: { nanosecondsPerDecision: counted },
      failures: [],
    }
  },
}
