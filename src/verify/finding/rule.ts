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
  /** The section of the catalogue: `rls`, `role`, … for grouping in reports. */
  readonly group: RuleGroup
  readonly title: string
  readonly severity: Severity
  /** One sentence: what it gives an attacker. */
  readonly meaning: string
  /** One sentence: how to mend it. */
  readonly remedy: string
  /** Its verbs fail for everybody; no row of another tenant is met. */
  readonly denies?: true
  /**
   * `partywall protect` gives each table what this rule asks for, or its plan names the object itself. `sealed`: where it seals.
   * `unless-protected`: where the object's row security was off; what was on stays as it is, and somebody must decide.
   * `decide`: named there however low it is, since a migration of protect would change what the application may send.
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
