import type { Policy, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { isBareSelect } from '../../prove/bare-select.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import { ticketExpression } from '../../prove/ticket.ts'
import type { Expr } from '../../sql/tree.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'

/** The schema `partywall`, if partywall's own migrations were applied. */
export function sealSchema(facts: Facts) {
  return [...facts.catalog.schemas.values()].find((schema) => schema.name === 'partywall')
}

/** Whether some policy of these relations checks the seal. */
export function checksSeal(relations: readonly Relation[]): boolean {
  return relations.some((relation) =>
    relation.policies.some(({ using }) => /partywall\.(?:tenant_id|placed_mark)\(\)/.test(using ?? '')),
  )
}

/** The table with the seal's keys. */
export function keyTable(facts: Facts): Relation | undefined {
  return [...facts.catalog.relations.values()].find(
    (relation) => relation.schema === 'partywall' && relation.name === 'seal_keys',
  )
}

/** Whether the text of a restrictive policy calls `partywall.tenant_id()`. Such a policy may still let rows pass without a seal. */
function namesSeal({ permissive, using, check }: Policy): boolean {
  return !permissive && [using, check].some((text) => text?.includes('partywall.tenant_id()') === true)
}

function isSealPolicy(policy: Policy, facts: Facts): boolean {
  const sealed = (text: string | undefined) => {
    if (text?.includes('partywall.tenant_id()') !== true) return false
    const parsed = facts.sql.expression(text)
    return parsed.ok && isSealTest(parsed.value, facts)
  }
  const needsUsing = policy.command !== 'insert'
  const needsCheck = policy.check !== undefined || policy.command === 'insert'
  return !policy.permissive && (!needsUsing || sealed(policy.using)) && (!needsCheck || sealed(policy.check))
}

/** Whether the condition is true only if some column of the row, or of a row that the condition looks up, equals the tenant of the seal. */
function isSealTest(expr: Expr, facts: Facts): boolean {
  const both = (left: Expr, right: Expr) =>
    (isSealedValue(left, facts) && isColumn(right)) || (isSealedValue(right, facts) && isColumn(left))
  switch (expr.kind) {
    case 'and':
      return expr.args.some((arg) => isSealTest(arg, facts))
    case 'or':
      return expr.args.every((arg) => isSealTest(arg, facts))
    case 'operator':
      return expr.op === '=' && expr.schema === undefined && expr.left !== undefined && both(expr.left, expr.right)
    case 'distinct':
      // IS NOT DISTINCT FROM is also true if both sides are NULL. Other rules report a tenant column that may be NULL.
      return expr.negated && both(expr.left, expr.right)
    case 'subquery':
      return expr.type === 'exists' && expr.query.where !== undefined && isSealTest(expr.query.where, facts)
    default:
      return false
  }
}

function isColumn(expr: Expr): boolean {
  return expr.kind === 'cast' || expr.kind === 'collate' ? isColumn(expr.arg) : expr.kind === 'column'
}

/** Whether the expression is the tenant of the seal or NULL, whatever the session's settings are. */
function isSealedValue(expr: Expr, facts: Facts): boolean {
  switch (expr.kind) {
    case 'cast':
    case 'collate':
      return isSealedValue(expr.arg, facts)
    case 'nullif':
      return isSealedValue(expr.left, facts)
    case 'call':
      return expr.schema === 'partywall' && expr.name === 'tenant_id' && expr.args.length === 0
    case 'coalesce':
      return expr.args.every((arg) => isSealedValue(arg, facts))
    case 'subquery': {
      if (expr.type !== 'scalar') return false
      const ticket = ticketExpression(expr.query, facts)
      const only = isBareSelect(expr.query) ? expr.query.targets[0]?.expr : undefined
      const value = ticket ?? only
      return value !== undefined && isSealedValue(value, facts)
    }
    default:
      return false
  }
}

/** Whether a restrictive policy on the verified seal applies to the role for this verb. */
export function isSealed(facts: Facts, relation: Relation, verb: Verb, role: ActingRole): boolean {
  return (
    relation.rowSecurity &&
    relation.policies.some(
      (policy) => covers(policy.command, verb) && appliesTo(policy, role) && isSealPolicy(policy, facts),
    )
  )
}

/** Whether some table has a seal policy. Then the other tables should have a seal policy too. */
export function meansToBeSealed(facts: Facts): boolean {
  return (
    sealSchema(facts) !== undefined &&
    facts.relations.some((relation) => relation.policies.some((policy) => namesSeal(policy)))
  )
}
