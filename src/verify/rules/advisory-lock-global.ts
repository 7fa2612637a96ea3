import type { DatabaseFunction } from '../../catalog/model.ts'
import { showExpression } from '../../sql/show.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { readsContext } from '../readings/context-names.ts'

export const advisoryLockGlobal: Rule = {
  id: 'advisory-lock-global',
  group: 'context',
  title: 'An advisory lock is shared by all tenants',
  severity: 'info',
  meaning:
    'An advisory lock key belongs to no tenant: a tenant that guesses the key can make the others wait, or see that they are at work.',
  remedy: 'Put the tenant into the key (two-key form with a hash of the tenant), or lock a row of the tenant instead.',
  *run(facts) {
    const tenantNames = new Set(facts.tenancy.columnNames)
    for (const fn of facts.functions) {
      const locks: Expr[] = []
      const fixed = fixedNames(facts, fn)
      walkBody(facts.sql.body(fn), {
        expression: (expr) => {
          if (expr.kind !== 'call' || !/^pg_(try_)?advisory_(xact_)?lock(_shared)?$/.test(expr.name)) return
          if (expr.args.some((arg) => namesTenant(facts, arg, tenantNames))) return
          // pg_advisory_lock(a, b): if one of the two keys varies, it may contain the tenant. Two constant keys are the same for all
          // tenants.
          if (expr.args.length === 1 || expr.args.every((arg) => isFixed(arg, fixed))) locks.push(expr)
        },
      })
      const first = locks[0]
      if (first === undefined || (facts.executors(fn).length === 0 && !fn.returnsTrigger)) continue
      yield {
        object: fn.label,
        message: `${fn.label} takes an advisory lock whose key does not contain the tenant: tenants wait for each other, and any SQL can take the lock.`,
        evidence: [showExpression(first)],
        fix: '-- pg_advisory_xact_lock(hashtext(tenant), key), or SELECT … FOR UPDATE on a row of the tenant.',
      }
    }
  },
}

function namesTenant(facts: Facts, expr: Expr, names: ReadonlySet<string>): boolean {
  let named = readsContext(facts, expr)
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'column') named ||= [...names].some((name) => part.name.includes(name))
      if (part.kind === 'call' && part.name === 'current_setting') named = true
    },
  })
  return named
}

/** Whether an expression has the same value in every call: a constant, or an expression of constants. */
function isFixed(expr: Expr, names: ReadonlySet<string>): boolean {
  let fixed = true
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'parameter' || part.kind === 'subquery' || part.kind === 'keyword') fixed = false
      if (part.kind === 'column' && !(part.table === undefined && names.has(part.name))) fixed = false
    },
  })
  return fixed
}

/** Variables that the body declares with a constant value and never assigns. */
function fixedNames(facts: Facts, fn: DatabaseFunction): ReadonlySet<string> {
  const body = facts.sql.body(fn)
  if (body.kind !== 'plpgsql') return new Set()
  const names = new Set<string>()
  for (const { name, default: value } of body.variables)
    if (value?.ok === true && isFixed(value.value, names)) names.add(name)
  walkBody(body, {
    statement: (statement) => {
      if (statement.kind === 'assign') names.delete(statement.target)
      if (statement.kind === 'sql') for (const into of statement.into) names.delete(into)
    },
  })
  return names
}
