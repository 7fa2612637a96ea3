import type { AttackSession, Probe } from './session.ts'

/** Share of the statement timeout that is used after this many probes have timed out. */
const STEPS = [
  { after: 3, share: 0.2 },
  { after: 10, share: 0.05 },
  { after: 40, share: 0.01 },
] as const

const CANCELED = '57014'

/**
 * A session whose statement timeout gets shorter the more probes have timed out. A policy that never ends would otherwise cost the
 * whole timeout for each verb, role and context.
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
    // Set before each probe, because a rollback to an outer savepoint restores the old timeout.
    if (left !== undefined) await session.run(`set local statement_timeout = ${left}`)
    const answer = await session.probe(fn)
    if (!answer.ok && answer.error.code === CANCELED) timedOut += 1
    return answer
  }
  return { session: { ...session, probe }, timedOut: () => timedOut }
}
