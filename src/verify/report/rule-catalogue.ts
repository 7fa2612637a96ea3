import type { Severity } from '../finding/finding.ts'
import type { RuleGroup } from '../finding/rule.ts'
import { rules as all } from '../rules/list.ts'

/** What a reader must know of a rule. */
export interface RuleInfo {
  readonly id: string
  /** The part of the catalogue it stands in: `rls`, `role`, `grant`, … */
  readonly group: RuleGroup
  readonly title: string
  readonly severity: Severity
  /** One sentence: what it gives an attacker. */
  readonly meaning: string
  /** One sentence: how to fix it. */
  readonly remedy: string
}

/** Every rule, described; what a rule reads is no part of the public interface. */
export const rules: readonly RuleInfo[] = Object.freeze(
  all.map(({ id, group, title, severity, meaning, remedy }) =>
    Object.freeze({ id, group, title, severity, meaning, remedy }),
  ),
)
