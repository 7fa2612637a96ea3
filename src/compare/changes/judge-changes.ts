import { atLeast, type Finding } from '../../verify/finding/finding.ts'
import type { VerifyReport } from '../../verify/report/report-model.ts'
import { tenantOf } from '../access.ts'
import type { Comparison } from '../compare-schemas.ts'
import { type Difference, tell } from '../differences.ts'
import type { ChangedPart } from './changed-parts.ts'
import { areGood, type VerdictChanges, verdictChanges } from './verdict-changes.ts'

/**
 * The effect of a change on the isolation of tenants.
 *
 * - `weaker`: somebody reaches rows of another tenant that they did not reach before, or `verify` finds a new hole;
 * - `review`: a person must decide, because the answer depends on what is intended: other access inside a tenant, changed code or roles, or
 *   a table on which nothing could be tried;
 * - `safer`: a hole is closed, and nobody can do more;
 * - `equal`: every statement of every user has the same result as before, and the findings are the same.
 */
export type Judgement = 'weaker' | 'review' | 'safer' | 'equal'

/** The changes of one object, and the judgement of all of them together. */
export interface JudgedChange {
  readonly object: string
  /** Empty: nothing of the object itself changed, but something that it depends on. */
  readonly changes: readonly string[]
  readonly judgement: Judgement
  readonly reasons: readonly string[]
}

interface Sides {
  readonly changed: readonly ChangedPart[]
  readonly comparison: Comparison
  readonly before: VerifyReport
  readonly after: VerifyReport
}

/** Judges each object that changed itself, or for which the result of a statement or a finding changed. The worst comes first. */
export function judgeChanges(sides: Sides): readonly JudgedChange[] {
  const { changed, comparison, before, after } = sides
  const opened = findingsOnlyIn(after, before)
  const closed = findingsOnlyIn(before, after)
  const objects = new Set([
    ...changed.map(({ part }) => part.object),
    ...comparison.differences.map(({ access }) => access.object),
    ...[...opened, ...closed].map(({ object }) => object),
  ])
  return [...objects]
    .map((object) =>
      judgeObject({
        object,
        changed: changed.filter(({ part }) => part.object === object),
        differences: comparison.differences.filter(({ access }) => access.object === object),
        untried: comparison.unknown.get(object),
        opened: opened.filter((finding) => finding.object === object),
        closed: closed.filter((finding) => finding.object === object),
        verdicts: verdictChanges(object, before.tables, after.tables),
      }),
    )
    .sort((a, b) => ORDER.indexOf(a.judgement) - ORDER.indexOf(b.judgement) || a.object.localeCompare(b.object))
}

const ORDER: readonly Judgement[] = ['weaker', 'review', 'safer', 'equal']

interface Evidence {
  readonly object: string
  readonly changed: readonly ChangedPart[]
  readonly differences: readonly Difference[]
  /** Why nothing is known of the table's rows. */
  readonly untried: string | undefined
  readonly opened: readonly Finding[]
  readonly closed: readonly Finding[]
  readonly verdicts: VerdictChanges
}

function judgeObject(evidence: Evidence): JudgedChange {
  const changes = evidence.changed.map(({ how, part }) => `${part.name}: ${how}`)
  const [judgement, reasons] = weaknesses(evidence) ?? doubts(evidence) ?? improvements(evidence) ?? equality(evidence)
  return { object: evidence.object, changes, judgement, reasons }
}

type Opinion = readonly [Judgement, readonly string[]]

const SAME = 'Every statement of every user has the same result as before, and the findings are the same.'

/** The opinion if none of the other functions has one. */
function equality({ verdicts: { fresh } }: Evidence): Opinion {
  if (fresh === undefined) return ['equal', [SAME]]
  const verdicts = Object.entries(fresh).map(([verb, verdict]) => `${verb} ${verdict}`)
  return ['equal', [`The table is new, and keeps tenants apart: ${verdicts.join(', ')}.`]]
}

function weaknesses({ differences, opened, verdicts }: Evidence): Opinion | undefined {
  const crossing = differences.filter((difference) => difference.kind === 'wider' && crosses(difference))
  const reasons = [
    ...tell(crossing),
    ...opened.filter(({ severity }) => atLeast(severity, 'medium')).map((each) => `new finding ${described(each)}`),
    ...verdicts.worse,
  ]
  return reasons.length === 0 ? undefined : ['weaker', reasons]
}

function doubts({ object, changed, differences, opened, untried, verdicts }: Evidence): Opinion | undefined {
  const inside = differences.filter(({ kind }) => kind !== 'closed')
  const code = changed.filter(({ part }) => part.kind !== 'rows')
  const reasons = [
    ...tell(inside),
    ...opened.filter(({ severity }) => severity !== 'info').map((each) => `new finding ${described(each)}`),
    ...code.map(({ part }) => `${part.name} can't be judged by trying statements`),
    ...newOrGone(object, changed, verdicts),
    ...(untried === undefined ? [] : [untried]),
  ]
  return reasons.length === 0 ? undefined : ['review', reasons]
}

function newOrGone(object: string, changed: readonly ChangedPart[], { fresh }: VerdictChanges): readonly string[] {
  const whole = changed.find(
    ({ how, part }) => how !== 'changed' && RELATION.test(part.name) && part.name.endsWith(` ${object}`),
  )
  if (whole === undefined) return []
  if (whole.how === 'removed') return [`${whole.part.name} is gone`]
  if (fresh === undefined) return [`${whole.part.name} is new, and was not recognised as a table of tenants`]
  return areGood(fresh) ? [] : [`${whole.part.name} is new, and not all of its verdicts are good`]
}

const RELATION = /^(table|partitioned-table|view|materialized-view|foreign-table) /

function improvements({ differences, closed, verdicts }: Evidence): Opinion | undefined {
  const reasons = [
    ...tell(differences.filter(({ kind }) => kind === 'closed')),
    ...closed.map((each) => `finding gone: ${described(each)}`),
    ...verdicts.better,
  ]
  return reasons.length === 0 ? undefined : ['safer', reasons]
}

function crosses({ access }: Difference): boolean {
  return access.isTenants && tenantOf(access.user) !== tenantOf(access.row)
}

function described({ rule, severity, message }: Finding): string {
  return `${rule} (${severity}): ${message}`
}

function findingsOnlyIn(one: VerifyReport, other: VerifyReport): readonly Finding[] {
  const known = new Set(other.findings.map(({ key }) => key))
  return one.findings.filter(({ key }) => !known.has(key))
}
