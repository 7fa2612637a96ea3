import type { Severity } from '../finding/finding.ts'
import type { RuleGroup } from '../finding/rule.ts'
import { rules as all } from '../rules/list.ts'

/** The description of a rule. */
export interface RuleInfo {
  readonly id: string
  /** Group of rules that it belongs to: `rls`, `role`, `grant`, … */
  readonly group: RuleGroup
  readonly title: string
  readonly severity: Severity
  /** One sentence: what the hole gives an attacker. */
  readonly meaning: string
  /** One sentence: how to fix it. */
  readonly remedy: string
}

/** The descriptions of all rules. How a rule works is not part of the public interface. */
export const rules: readonly RuleInfo[] = Object.freeze(
  all.map(({ id, group, title, severity, meaning, remedy }) =>
    Object.freeze({ id, group, title, severity, meaning, remedy }),
  ),
)
