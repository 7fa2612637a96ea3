import type { Policy } from '../../catalog/model.ts'
import { showExpression } from '../../sql/show.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkExpression } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { narrowPolicySql } from '../readings/policy-finding.ts'
import { askOnce, askOnceSql, isWeak } from '../readings/session-calls.ts'

/** Types that accept '' as a value. JSON does not accept it. */
const TEXTUAL =
  /^((\w+|"[^"]+")\.)?(text|character varying|varchar|character|bpchar|"?char"?|citext|name|bytea|xml)(\(\d+\))?$/

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
        const [first] = [policy.using, policy.check].flatMap((text) => bareCasts(facts, text))
        if (first === undefined) continue
        yield {
          object: relation.label,
          detail: policy.name,
          message: `Policy ${policy.name} on ${relation.label} casts the setting without nullif: after the first transaction on a pooled connection it raises an error instead of showing no rows.`,
          evidence: [showExpression(first)],
          fix:
            (isWeak(facts, relation, policy)
              ? narrowPolicySql(facts, relation, policy)
              : isRewritten(facts, policy)
                ? askOnceSql(facts, relation, policy)
                : undefined) ?? "-- Read the setting as nullif(current_setting('…', true), '') before it is cast.",
        }
      }
    }
  },
}

/** Whether the fix changes every cast of the policy that raises an error for ''. The fix turns '' into NULL before the cast. */
function isRewritten(facts: Facts, policy: Policy): boolean {
  const rewrite = askOnce(facts, policy)
  return [policy.using, policy.check].every(
    (text) => text === undefined || bareCasts(facts, rewrite(text)).length === 0,
  )
}

/** current_setting(…)::uuid, with nothing that turns '' into NULL. */
function bareCasts(facts: Facts, text: string | undefined): readonly Expr[] {
  const parsed = text === undefined ? undefined : facts.sql.expression(text)
  if (parsed?.ok !== true) return []
  const found: Expr[] = []
  walkExpression(parsed.value, {
    expression: (part) => {
      if (part.kind === 'cast' && !TEXTUAL.test(part.type) && mayBeEmpty(part.arg)) found.push(part)
    },
  })
  return found
}

/** Whether an expression is '' if the setting is ''. COALESCE, lower(), upper() and trim() pass '' on. */
function mayBeEmpty(expr: Expr): boolean {
  switch (expr.kind) {
    case 'call':
      // current_setting() with one argument raises an error if the setting is missing. For a setting that is '', it returns '' with one
      // argument and with two.
      if (expr.name === 'current_setting') return true
      return /^(lower|upper|[blr]?trim)$/.test(expr.name) && expr.args[0] !== undefined && mayBeEmpty(expr.args[0])
    case 'cast':
      return TEXTUAL.test(expr.type) && mayBeEmpty(expr.arg)
    case 'collate':
      return mayBeEmpty(expr.arg)
    case 'coalesce':
      return expr.args.some(mayBeEmpty)
    case 'subquery': {
      const [target] = expr.query.targets
      return expr.type === 'scalar' && target !== undefined && mayBeEmpty(target.expr)
    }
    default:
      return false
  }
}
