import type { DatabaseFunction, Policy, Relation } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import { VERBS } from '../../catalog/verbs.ts'
import type { Expr } from '../../sql/tree.ts'
import { childrenOf } from '../../sql/walk.ts'
import { functionFinder, settingsOfFunction } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { emptyAsNull, rewritePolicySql, wrapCalls } from './wrap-calls.ts'

type Call = Extract<Expr, { kind: 'call' }>

/** The function that the expression calls, if this function reads a setting and no argument of the call depends on the row. */
export function sessionHelper(facts: Facts, expr: Call): DatabaseFunction | undefined {
  if (expr.args.some(mentionsColumn)) return undefined
  return facts
    .functionsNamed(expr.schema, expr.name)
    .find((fn) => settingsOfFunction(fn, facts.sql, functionFinder(facts.catalog)).length > 0)
}

/**
 * SQL (ALTER POLICY) for a policy that reads the session's setting once per row. Afterwards the policy reads the setting once per statement,
 * in `(select …)`, and a setting that is missing or '' counts as NULL. Undefined if nothing needs to change.
 */
export function askOnceSql(facts: Facts, relation: Relation, policy: Policy): string | undefined {
  return rewritePolicySql(relation, policy, askOnce(facts, policy))
}

/** Rewrites a clause of the policy: see {@link askOnceSql}. */
export function askOnce(facts: Facts, policy: Policy): (expression: string) => string {
  const names = new Set(['current_setting'])
  for (const text of [policy.using, policy.check]) {
    const parsed = text === undefined ? undefined : facts.sql.expression(text)
    for (const call of parsed?.ok === true ? callsOf(parsed.value) : []) {
      const fn = sessionHelper(facts, call)
      // A VOLATILE function may return another value for each row, so it is not wrapped.
      if (fn === undefined || fn.volatility === 'volatile') continue
      names.add(`${quoteIdentifier(fn.schema)}.${quoteIdentifier(fn.name)}`).add(fn.name)
    }
  }
  return (expression) => wrapCalls(emptyAsNull(expression), names)
}

function callsOf(expr: Expr): readonly Call[] {
  return [...(expr.kind === 'call' ? [expr] : []), ...childrenOf(expr).flatMap(callsOf)]
}

function mentionsColumn(expr: Expr): boolean {
  return expr.kind === 'column' || childrenOf(expr).some(mentionsColumn)
}

/** Whether the prover found a weakness, certain or not, in the policy. The fix of another finding then changes this policy too. */
export function isWeak(facts: Facts, relation: Relation, policy: Policy): boolean {
  return facts.acting
    .filter((role) => !role.bypasses)
    .some((role) =>
      VERBS.some((verb) => {
        const proof = facts.proofs.of(relation, verb, role)
        return 'weaknesses' in proof && proof.weaknesses.some((weakness) => weakness.policy === policy.name)
      }),
    )
}
