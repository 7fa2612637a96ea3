import { showExpression } from '../../sql/show.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkExpression } from '../../sql/walk.ts'
import type { Rule } from '../finding/rule.ts'
import { narrowPolicySql } from '../readings/policy-finding.ts'
import { askOnceSql, isWeak } from '../readings/session-calls.ts'

const TEXTUAL = /^(text|character varying|character|citext|name|json|jsonb)/

export const policyEmptyStringError: Rule = {
  id: 'policy-empty-string-error',
  group: 'policy',
  ofProtect: 'always',
  title: 'An empty setting raises an error',
  severity: 'low',
  meaning:
    'After a transaction-local setting has ended it reads as the empty string, and every query on that connection fails.',
  remedy: "Wrap the setting in nullif(…, '').",
  *run(facts) {
    for (const { relation } of facts.tenancy.tables.values()) {
      if (!relation.rowSecurity) continue
      for (const policy of relation.policies) {
        const bare = [policy.using, policy.check].flatMap((text) => {
          const parsed = text === undefined ? undefined : facts.sql.expression(text)
          return parsed?.ok === true ? bareCasts(parsed.value) : []
        })
        const first = bare[0]
        if (first === undefined) continue
        yield {
          object: relation.label,
          detail: policy.name,
          message: `Policy ${policy.name} on ${relation.label} casts the setting without nullif: after the first transaction on a pooled connection it raises an error instead of showing no rows.`,
          evidence: [showExpression(first)],
          fix:
            (isWeak(facts, relation, policy)
              ? narrowPolicySql(facts, relation, policy)
              : askOnceSql(facts, relation, policy)) ??
            "-- Read the setting as nullif(current_setting('…', true), '') before it is cast.",
        }
      }
    }
  },
}

/** current_setting(…)::uuid, with nothing that turns '' into NULL. */
function bareCasts(expr: Expr): readonly Expr[] {
  const found: Expr[] = []
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind !== 'cast' || TEXTUAL.test(part.type)) return
      const inner = part.arg.kind === 'cast' ? part.arg.arg : part.arg
      // Without the second argument the missing setting raises an error too, but '' does so in both forms.
      if (inner.kind === 'call' && inner.name === 'current_setting') found.push(part)
    },
  })
  return found
}
