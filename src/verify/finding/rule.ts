import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft, Severity } from './finding.ts'
import type { RuleId } from './rule-id.ts'

/**
 * One class of hole. A rule reads facts and yields findings; it never talks to the server.
 *
 * The id is stable for ever and names three files: `src/verify/rules/<id>.ts`, `tests/verify/rules/<id>.test.ts`,
 * `docs/rules/<id>.md`.
 */
export interface Rule {
  readonly id: RuleId
  /** `rls`, `role`, …: groups the rules in reports. */
  readonly group: RuleGroup
  readonly title: string
  readonly severity: Severity
  /** One sentence: what the hole gives an attacker. */
  readonly meaning: string
  /** One sentence: how to fix it. */
  readonly remedy: string
  /** True if the verbs of a finding fail for everyone. Such a finding reaches no row of another tenant. */
  readonly denies?: true
  /**
   * How `partywall protect` treats findings of this rule:
   * - `always`: protect fixes the finding on each table, or names the object in its plan;
   * - `sealed`: with `--seal`, as `always`; without it, as if `ofProtect` were left out;
   * - `unless-protected`: as `always` on tables whose row-level security was off. On other tables a person must decide;
   * - `decide`: a person must decide, unless the severity is `info`, because a fix would change what the application may send;
   * - left out: a person must decide, if the severity is at least medium.
   */
  readonly ofProtect?: 'always' | 'sealed' | 'unless-protected' | 'decide'
  run(facts: Facts): Iterable<FindingDraft>
}

export type RuleGroup =
  | 'rls'
  | 'role'
  | 'grant'
  | 'policy'
  | 'code'
  | 'key'
  | 'object'
  | 'metadata'
  | 'escape'
  | 'context'
