import type { DatabaseFunction, Relation, Trigger } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { calledFunction } from '../../prove/called-function.ts'
import { inlineBody } from '../../prove/inline.ts'
import { Instances } from '../../prove/scope.ts'
import { termOf } from '../../prove/terms.ts'
import type { Expr, PlStatement } from '../../sql/tree.ts'
import { walkStatements } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'

/**
 * The BEFORE trigger that sets the tenant column of every new row to the context's tenant, whatever the user sent. With such a trigger, no
 * row gets another tenant although the WITH CHECK is lax. Undefined if some path through the trigger's code does not set the column, or if
 * another trigger could change the column afterwards.
 */
export function contextTrigger(facts: Facts, relation: Relation, verb: Verb): Trigger | undefined {
  const column = facts.tenantTable(relation)?.column?.name
  if (column === undefined || verb === 'select' || verb === 'delete') return undefined
  const before = relation.triggers.filter(
    (trigger) => trigger.timing === 'before' && trigger.forEachRow && trigger.events.includes(verb),
  )
  const [only, ...others] = before
  if (only === undefined || others.length > 0) return undefined
  if (only.enabled === 'disabled' || only.enabled === 'replica' || only.when !== undefined) return undefined
  if (only.updateColumns.length > 0) return undefined
  const fn = facts.catalog.functions.get(only.function)
  return fn !== undefined && alwaysFills(facts, fn, `new.${column}`) ? only : undefined
}

function alwaysFills(facts: Facts, fn: DatabaseFunction, target: string): boolean {
  const body = facts.sql.body(fn)
  if (body.kind !== 'plpgsql') return false
  const statements = body.statements.flatMap(flattened)
  const at = statements.findIndex(
    (statement) =>
      statement.kind === 'assign' &&
      statement.target.toLowerCase() === target &&
      statement.value.ok &&
      isContext(facts, statement.value.value),
  )
  if (at < 0) return false
  return !mayReturn(statements.slice(0, at)) && !mayRewrite(statements.slice(at + 1), target)
}

/** Replaces blocks without EXCEPTION handlers by their statements. */
function flattened(statement: PlStatement): readonly PlStatement[] {
  return statement.kind === 'block' && statement.handlers.length === 0 ? statement.body.flatMap(flattened) : [statement]
}

/** Whether an expression is the setting or the seal's tenant and nothing else, directly or through a helper. */
function isContext(facts: Facts, expr: Expr, depth = 0): boolean {
  const term = termOf(expr, facts, new Instances())
  if (term.kind === 'context') return term.lossy === undefined
  if (expr.kind === 'cast') return isContext(facts, expr.arg, depth)
  const only = expr.kind === 'subquery' && expr.type === 'scalar' && expr.query.from.length === 0
  if (only) {
    const [target, ...more] = expr.query.targets
    return target !== undefined && more.length === 0 && isContext(facts, target.expr, depth)
  }
  const helper =
    expr.kind === 'call' && expr.args.length === 0 ? calledFunction(facts, expr, { schemas: undefined }) : undefined
  const value = helper === undefined || depth > 3 ? undefined : inlineBody(helper, facts.sql.body(helper), facts)
  return value?.kind === 'value' && isContext(facts, value.expr, depth + 1)
}

function mayReturn(statements: readonly PlStatement[]): boolean {
  let returns = false
  walkStatements(statements, {
    statement: (statement) => {
      returns ||= statement.kind === 'return' || statement.kind === 'other' || statement.kind === 'block'
    },
  })
  return returns
}

function mayRewrite(statements: readonly PlStatement[], target: string): boolean {
  const isTarget = (name: string) => name.toLowerCase() === 'new' || name.toLowerCase() === target
  let rewrites = false
  walkStatements(statements, {
    statement: (statement) => {
      if (statement.kind === 'assign') rewrites ||= isTarget(statement.target)
      else if (statement.kind === 'sql') rewrites ||= !statement.query.ok || statement.into.some(isTarget)
      else if (statement.kind === 'return') rewrites ||= !returnsNew(statement)
      else rewrites ||= statement.kind === 'dynamic' || statement.kind === 'other' || statement.kind === 'loop'
    },
  })
  return rewrites
}

function returnsNew(statement: Extract<PlStatement, { kind: 'return' }>): boolean {
  if (statement.variable !== undefined) return statement.variable.toLowerCase() === 'new'
  const value = statement.value?.ok === true ? statement.value.value : undefined
  return value?.kind === 'column' && value.table === undefined && value.name.toLowerCase() === 'new'
}
