import type { Facts } from '../../tenancy/facts.ts'
import { type AttackLedger, isCrossing, type Observation, type SeenOfRule } from '../attack/arena.ts'
import { type ChosenSeverity, type Finding, type FindingDraft, findingKey, SEVERITIES } from '../finding/finding.ts'
import type { Rule, RuleGroup } from '../finding/rule.ts'
import { classify } from '../readings/classify.ts'

/** A finding before it is reported, with the facts that the verdicts need. */
export interface JoinedFinding extends Finding {
  readonly verbs: FindingDraft['verbs']
  readonly tables: readonly string[]
  readonly group: RuleGroup
  /**
   * Whether rows of another tenant are, or may be, reached. False if the verbs fail with an error for everyone, or if the finding was only
   * suspected and no attack confirmed it.
   */
  readonly crosses: boolean
}

/** A static finding and the rule that yielded it. */
export interface RuledDraft {
  readonly rule: Rule
  readonly draft: FindingDraft
}

/**
 * Joins the static findings of the rules with the observations of the attacks.
 *
 * - An observation with the rule and object of a finding makes this finding `exploited`.
 * - A crossing makes each finding about its table and verb `exploited`, if the finding is about row security, policies, roles or grants.
 * - An observation that no finding explains becomes a finding of its own, if `classify` names a rule for it.
 * - A suspected finding that an attack tried and did not confirm becomes `info`.
 */
export function joinFindings(
  facts: Facts,
  drafts: readonly RuledDraft[],
  ledger: AttackLedger | undefined,
  rules: readonly Rule[],
  lookupsOf: (table: string) => readonly string[] = () => [],
): readonly JoinedFinding[] {
  const observations = ledger?.observations ?? []
  const direct = new Set(
    observations.filter((observation) => drafts.some(({ rule, draft }) => confirms(observation, rule, draft, ledger))),
  )
  // If a policy lets rows pass because the lookup table that it queries leaks, the finding on the lookup table is the cause.
  const caused = (observation: Observation, rule: Rule, draft: FindingDraft) =>
    isCrossing(observation) &&
    OF_TABLES.has(rule.group) &&
    (draft.severity?.level ?? rule.severity) !== 'info' &&
    (draft.verbs?.length ?? 0) > 0 &&
    tablesOf(draft).some((table) => lookupsOf(observation.object).includes(table))
  const indirect = observations.filter((observation) => !direct.has(observation))
  const joined = drafts.map(({ rule, draft }) => {
    const seen = observations.filter(
      (observation) => direct.has(observation) && confirms(observation, rule, draft, ledger),
    )
    const follow = indirect.filter((observation) => caused(observation, rule, draft))
    const inVain = draft.suspected === true && seen.length === 0 && ledger?.wasTried(rule.id, draft.object) === true
    const confirmed = seen.length + follow.length > 0
    const usual = draft.severity ?? { level: rule.severity, because: '' }
    const most = seen.flatMap((observation) => (isCrossing(observation) ? [] : (observation.most ?? [])))[0]
    const severity = inVain ? IN_VAIN : confirmed ? (most ?? usual) : (unconfirmedSeverity(draft) ?? usual)
    const finding = finish(rule, draft, severity, [...seen, ...follow])
    if (follow.length === 0) return finding
    return {
      ...finding,
      tables: unique([...finding.tables, ...follow.map((observation) => observation.object)]),
      verbs: unique([...(finding.verbs ?? []), ...follow.flatMap((observation) => observation.verbs ?? [])]),
    }
  })
  const alone = new Map<string, SeenOfRule[]>()
  const unexplained = indirect.filter(
    (observation) => !drafts.some(({ rule, draft }) => caused(observation, rule, draft)),
  )
  for (const seen of named(facts, unexplained)) {
    const key = findingKey(seen.rule, seen)
    alone.set(key, [...(alone.get(key) ?? []), seen])
  }
  const raised = [...alone.values()].flatMap((group) => {
    const first = group[0]
    const rule = rules.find((candidate) => candidate.id === first?.rule)
    if (first === undefined || rule === undefined) return []
    const verbs = [...new Set(group.flatMap((observation) => observation.verbs ?? []))]
    return [finish(rule, { ...first, verbs }, { level: rule.severity, because: '' }, group)]
  })
  return dedupe([...joined, ...raised]).sort(inOrder)
}

/** Gives each unexplained observation a rule. For a crossing, the rule also depends on the other crossings of its table. */
function named(facts: Facts, unexplained: readonly Observation[]): readonly SeenOfRule[] {
  const readable = new Set(
    unexplained.flatMap((seen) =>
      isCrossing(seen) && seen.crossing.verb === 'select' && seen.crossing.by.context.tenant !== undefined
        ? [seen.object]
        : [],
    ),
  )
  return unexplained.flatMap((seen): readonly SeenOfRule[] => {
    if (!isCrossing(seen)) return [seen]
    const { relation, verb, by } = seen.crossing
    const asTenant = by.context.tenant !== undefined
    const readsToo = readable.has(seen.object)
    const rule = classify(facts, { from: 'crossing', relation, verb, role: by.role, asTenant, readsToo })
    return rule === undefined ? [] : [{ ...seen, rule }]
  })
}

function tablesOf(draft: FindingDraft): readonly string[] {
  return draft.tables ?? [draft.object]
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)]
}

/** Groups whose findings a crossing of a table can confirm. Findings on code, keys and views need an attack on that object. */
const OF_TABLES: ReadonlySet<string> = new Set(['rls', 'policy', 'role', 'grant'])

function confirms(
  observation: Observation,
  rule: Rule,
  draft: FindingDraft,
  ledger: AttackLedger | undefined,
): boolean {
  if (!isCrossing(observation)) {
    if (observation.rule !== rule.id || observation.object !== draft.object) return false
    return observation.detail === undefined || draft.detail === undefined || observation.detail === draft.detail
  }
  if (!OF_TABLES.has(rule.group)) return false
  // Another policy of the table caused the crossing, so the crossing is no evidence against this policy.
  if (rule.group === 'policy' && draft.detail !== undefined && ledger?.isCause(observation, draft.detail) === false)
    return false
  const tables = draft.tables ?? [draft.object]
  const about = (observation.tables ?? [observation.object]).some((table) => tables.includes(table))
  return about && (observation.verbs ?? []).some((verb) => draft.verbs?.includes(verb) === true)
}

const IN_VAIN: ChosenSeverity = {
  level: 'info',
  because: 'Only an attack can decide it. Attacks of this run tried it, and none confirmed it.',
}

function unconfirmedSeverity({ unconfirmed }: FindingDraft): ChosenSeverity | undefined {
  return unconfirmed === undefined
    ? undefined
    : { level: unconfirmed, because: 'Only an attack can decide it, and no attack of this run confirmed it.' }
}

function finish(
  rule: Rule,
  draft: FindingDraft,
  severity: ChosenSeverity,
  seen: readonly Observation[],
): JoinedFinding {
  const doubts = seen.length > 0 ? [] : (draft.doubts ?? [])
  const seenEvidence = seen.flatMap((observation) => observation.evidence)
  const evidence = unique([...(draft.evidence ?? []), ...doubts, ...seenEvidence])
  return {
    rule: rule.id,
    severity: severity.level,
    ...(severity.level === rule.severity ? {} : { severityReason: severity.because }),
    object: draft.object,
    message: draft.message,
    proof: seen.length > 0 ? 'exploited' : 'static',
    evidence,
    fix: draft.fix,
    key: findingKey(rule.id, draft),
    verbs: draft.verbs,
    tables: draft.tables ?? [draft.object],
    group: rule.group,
    crosses: rule.denies !== true && (draft.suspected !== true || seen.length > 0),
  }
}

function dedupe(findings: readonly JoinedFinding[]): JoinedFinding[] {
  const byKey = new Map<string, JoinedFinding>()
  for (const finding of findings) {
    const known = byKey.get(finding.key)
    if (known === undefined || SEVERITIES.indexOf(finding.severity) > SEVERITIES.indexOf(known.severity))
      byKey.set(finding.key, finding)
  }
  return [...byKey.values()]
}

/** Sorts by severity, then by rule and key, so that two runs print the same order. */
export function inOrder(a: Finding, b: Finding): number {
  return (
    SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) ||
    a.rule.localeCompare(b.rule) ||
    (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  )
}
