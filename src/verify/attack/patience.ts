import type { AttackSession, Probe } from './session.ts'

/** What is left of the time limit once so many probes have run into it. */
const STEPS = [
  { after: 3, share: 0.2 },
  { after: 10, share: 0.05 },
  { after: 40, share: 0.01 },
] as const

const CANCELED = '57014'

/**
 * A session that waits less, the more probes have run into the statement time-out: a policy that never ends would
 * otherwise cost the whole limit for each verb, role and context.
 */
export function patientSession(
  session: AttackSession,
  statementTimeoutMs: number,
): { readonly session: AttackSession; readonly timedOut: () => number } {
  let timedOut = 0
  const limit = () => {
    const share = STEPS.findLast((step) => timedOut >= step.after)?.share
    return share === undefined ? undefined : Math.max(50, Math.ceil(statementTimeoutMs * share))
  }
  const probe = async <T>(fn: () => Promise<T>): Promise<Probe<T>> => {
    const left = limit()
    // Each time: a roll-back to an outer savepoint brings the old limit back.
    if (left !== undefined) await session.run(`set local statement_timeout = ${left}`)
    const answer = await session.probe(fn)
    if (!answer.ok && answer.error.code === CANCELED) timedOut += 1
    return answer
  }
  return { session: { ...session, probe }, timedOut: () => timedOut }
}
