import { contextSettings } from '../../tenancy/context-settings.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const functionRowSecurityOff: Rule = {
  id: 'function-row-security-off',
  group: 'code',
  title: 'A function sets row_security = off, or a tenant of its own',
  severity: 'medium',
  meaning: 'The function expects a role that bypasses the policies, or it works for one fixed tenant whoever calls it.',
  remedy: 'Reset the setting on the function.',
  *run(facts) {
    const settings = contextSettings(facts)
    for (const fn of facts.functions) {
      for (const [name, value] of fn.config) {
        const off = name === 'row_security' && /^(off?|f|fa|fal|false|no?|0)$/i.test(value)
        if (!off && !settings.has(name.toLowerCase())) continue
        yield {
          object: fn.label,
          detail: name,
          // row_security = off shows no more rows: a query that a policy would filter ends in an error.
          ...(off
            ? chosenSeverity(
                'low',
                'row_security = off shows no more rows: a query that a policy would filter ends in an error.',
              )
            : {}),
          message: off
            ? `${fn.label} runs with row_security = off: it expects a role to which no policy applies; for other roles its queries fail.`
            : `${fn.label} runs with ${name} set to a fixed value: it works for that tenant, whoever calls it.`,
          evidence: [`SET ${name} on the function`],
          fix: `ALTER ${fn.kind === 'procedure' ? 'PROCEDURE' : 'FUNCTION'} ${fn.signature} RESET ${name};`,
        }
      }
    }
  },
}
