import type { Verb } from '../../catalog/verbs.ts'
import type { Verdict } from './verdict.ts'

/** Lowest first. `info` never fails a run. */
export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** A severity that differs from that of the rule. */
export interface ChosenSeverity {
  readonly level: Severity
  /** The reason as a sentence, which reports print: what is true of this object and not of most others. */
  readonly because: string
}

/** Part of a {@link FindingDraft}: its severity and the reason. */
export function chosenSeverity(level: Severity, because: string): { readonly severity: ChosenSeverity } {
  return { severity: { level, because } }
}

/**
 * The result of a rule or an attack. The runner adds rule id, proof and key.
 *
 * `object` is a name that the user knows: `schema.table`, `schema.fn(uuid)`, `role app`, `database` (without its name).
 */
export interface FindingDraft {
  readonly object: string
  /** Policy, constraint or column: distinguishes several findings of one rule on one object. Part of the key. */
  readonly detail?: string
  /** If this is left out, the finding has the rule's severity. */
  readonly severity?: ChosenSeverity
  /** Cause and consequence in one or two sentences: what is wrong and what an attacker gets. */
  readonly message: string
  /** Expressions, grants, counts, rows. Never a value of the user's own data. */
  readonly evidence?: readonly string[]
  /** SQL that can be run as it is. Decisions that a person must make are `--` comments in it. */
  readonly fix: string
  /** Verbs by which rows of `tables` can be reached because of this finding. They get the verdict `leaks`. */
  readonly verbs?: readonly Verb[]
  /** Labels of the tables whose rows can be reached; default: `object`. */
  readonly tables?: readonly string[]
  /**
   * The catalog alone can't decide whether there is a hole. If attacks try the finding and none of them confirms it, the finding becomes
   * `info`.
   */
  readonly suspected?: boolean
  /** Evidence that there may be no hole. It is left out once an attack has confirmed the finding. */
  readonly doubts?: readonly string[]
  /** Severity of a suspected finding as long as no attack confirms it. */
  readonly unconfirmed?: Severity
}

/** A finding as it is reported. Reports sort findings by severity, rule and key. */
export interface Finding {
  readonly rule: string
  readonly severity: Severity
  readonly object: string
  readonly message: string
  readonly proof: 'static' | 'exploited'
  readonly evidence: readonly string[]
  readonly fix: string
  /** Why the severity differs from that of the rule, as a sentence. Left out if it does not differ. */
  readonly severityReason?: string
  /** `rule:object` or `rule:object:detail`. A baseline accepts findings by their keys. */
  readonly key: string
  /** Keys of further findings with the same cause, which are folded into this one. */
  readonly alike?: readonly string[]
}

export interface TableVerdict {
  readonly object: string
  /** A verb is missing if the object does not support it, such as INSERT into a materialized view. */
  readonly verbs: Readonly<Partial<Record<Verb, Verdict>>>
  /** Why a verb is not proved, or how it was proved. */
  readonly reasons: Readonly<Partial<Record<Verb, string>>>
}

export function atLeast(severity: Severity, floor: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(floor)
}

export function findingKey(rule: string, draft: Pick<FindingDraft, 'object' | 'detail'>): string {
  return draft.detail === undefined ? `${rule}:${draft.object}` : `${rule}:${draft.object}:${draft.detail}`
}
