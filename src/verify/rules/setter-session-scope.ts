import type { Expr } from '../../sql/tree.ts'
import { walkBody } from '../../sql/walk.ts'
import { contextSettings } from '../../tenancy/context-settings.ts'
import { constantText } from '../../tenancy/discovery/settings.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeExecute } from '../readings/definer-code.ts'

export const setterSessionScope: Rule = {
  id: 'setter-session-scope',
  group: 'code',
  title: 'The tenant is set for the session',
  severity: 'high',
  meaning:
    'The tenant stays set on the pooled connection: the next request that forgets to set its own works as this one.',
  remedy: 'Use set_config(name, value, true) or SET LOCAL: the setting ends with the transaction.',
  *run(facts) {
    const settings = contextSettings(facts)
    for (const fn of facts.functions) {
      if (!fn.returnsTrigger && facts.executors(fn).length === 0) continue
      const seen = new Set<string>()
      walkBody(facts.sql.body(fn), {
        expression: (expr) => {
          if (expr.kind !== 'call' || expr.name !== 'set_config') return
          // `is_local => false`: a named argument may be at any position after the setting's name.
          const [name] = expr.args
          const local = expr.args.slice(1).map(withoutName).find(isFlag)
          const setting = name === undefined ? undefined : constantText(name)?.toLowerCase()
          if (setting === undefined || !settings.has(setting)) return
          if (local !== undefined && isFalse(local)) seen.add(`set_config('${setting}', …, false)`)
        },
        query: (query) => {
          const text = query.text ?? ''
          if (query.node !== 'VariableSetStmt' || /^\s*set\s+local\b/i.test(text)) return
          const setting = [...settings].find((each) => text.toLowerCase().includes(each))
          if (setting !== undefined) seen.add(`SET ${setting}`)
        },
      })
      if (seen.size === 0) continue
      yield {
        object: fn.label,
        message: `${fn.label} sets the tenant for the whole session: on a pooled connection it is still set for the next request.`,
        evidence: [...seen],
        fix: `-- Rewrite ${fn.signature}: set_config(…, …, true), or SET LOCAL.\n${revokeExecute(facts, fn)}`,
      }
    }
  },
}

function withoutName(expr: Expr): Expr {
  return expr.kind === 'other' && expr.node === 'NamedArgExpr' ? (expr.parts[0] ?? expr) : expr
}

/**
 * Whether the expression is a boolean constant. The rule takes such a constant for the argument is_local, because the new value of a
 * tenant's setting is hardly ever a boolean.
 */
function isFlag(expr: Expr): boolean {
  if (expr.kind === 'cast') return isFlag(expr.arg)
  return expr.kind === 'constant' && (typeof expr.value === 'boolean' || /^(t|f|true|false)$/.test(String(expr.value)))
}

function isFalse(expr: Expr): boolean {
  if (expr.kind === 'cast') return isFalse(expr.arg)
  return expr.kind === 'constant' && (expr.value === false || expr.value === 'f' || expr.value === 'false')
}
