import type { RuleId } from '../../finding/rule-id.ts'
import type { RuleInfo } from '../document.ts'
import type { Control } from './control.ts'

/** Rules about speed. A slow query keeps tenants apart as well as a fast one, so these rules are evidence for no line of a standard. */
const ABOUT_SPEED: ReadonlySet<string> = new Set<RuleId>([
  'policy-per-row',
  'policy-blinds-index',
  'tenant-index-missing',
])

export function isAboutSpeed(rule: string): boolean {
  return ABOUT_SPEED.has(rule)
}

/** The rules whose results are evidence for a line. Empty if there are none. */
export function mappedRules(control: Control, rules: readonly RuleInfo[]): readonly RuleInfo[] {
  if (control.groups === undefined) return []
  const { groups, also = [] } = control
  return rules.filter(
    ({ id, group }) => !isAboutSpeed(id) && (groups.includes(group) || also.some((one) => one === id)),
  )
}
