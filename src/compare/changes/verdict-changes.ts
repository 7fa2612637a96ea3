import { VERBS, type Verb } from '../../catalog/verbs.ts'
import type { TableVerdict } from '../../verify/finding/finding.ts'
import type { Verdict } from '../../verify/finding/verdict.ts'

/** From bad to good. Verdicts of one rank are equally good. */
const RANK: Readonly<Record<Verdict, number>> = {
  leaks: 0,
  unreliable: 1,
  unproved: 2,
  'proved-static': 3,
  held: 3,
  proved: 4,
  'no-access': 4,
}

/** The changes of the verdicts of one table, as sentences. */
export interface VerdictChanges {
  readonly worse: readonly string[]
  readonly better: readonly string[]
  /** The verdicts of a table that only the second report has; undefined for any other. */
  readonly fresh: Partial<Record<Verb, Verdict>> | undefined
}

export function verdictChanges(
  object: string,
  before: readonly TableVerdict[],
  after: readonly TableVerdict[],
): VerdictChanges {
  const then = before.find((table) => table.object === object)?.verbs
  const now = after.find((table) => table.object === object)?.verbs
  if (then === undefined || now === undefined)
    return { worse: [], better: [], fresh: then === undefined ? now : undefined }
  const worse: string[] = []
  const better: string[] = []
  for (const verb of VERBS) {
    const [old, fresh] = [then[verb], now[verb]]
    if (old === undefined || fresh === undefined || RANK[fresh] === RANK[old]) continue
    const list = RANK[fresh] < RANK[old] ? worse : better
    list.push(`${verb.toUpperCase()} was ${old} and is ${fresh}`)
  }
  return { worse, better, fresh: undefined }
}

/** Whether each verdict is `held` or better. */
export function areGood(verdicts: Partial<Record<Verb, Verdict>>): boolean {
  return Object.values(verdicts).every((verdict) => RANK[verdict] >= RANK.held)
}
