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
  /** The verbs of its findings fail for everyone, so no row of another tenant is reached. */
  readonly denies?: true
  /**
   * How `partywall protect` treats findings of this rule:
   * - `always`: it fixes them on each table, or names the object in its plan;
   * - `sealed`: it does so where it adds a seal;
   * - `unless-protected`: it does so where row-level security was off. Otherwise a person must decide;
   * - `decide`: a person must decide, whatever the severity, because a fix would change what the application may send.
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
