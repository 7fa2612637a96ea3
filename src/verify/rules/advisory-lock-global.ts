import { showExpression } from '../../sql/show.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkBody, walkExpression } from '../../sql/walk.ts'
import type { Rule } from '../finding/rule.ts'

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
      walkBody(facts.sql.body(fn), {
        expression: (expr) => {
          if (expr.kind !== 'call' || !/^pg_(try_)?advisory_(xact_)?lock(_shared)?$/.test(expr.name)) return
          if (expr.args.length === 1 && !expr.args.some((arg) => namesTenant(arg, tenantNames))) locks.push(expr)
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

function namesTenant(expr: Expr, names: ReadonlySet<string>): boolean {
  let named = false
  walkExpression(expr, {
    expression: (part) => {
      if (part.kind === 'column') named ||= [...names].some((name) => part.name.includes(name))
      if (part.kind === 'call' && part.name === 'current_setting') named = true
    },
  })
  return named
}
