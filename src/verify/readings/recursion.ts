import type { Oid, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import type { Expr, FromItem } from '../../sql/tree.ts'
import { type Visitor, walkBody, walkExpression, walkQuery } from '../../sql/walk.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'

/** Policies that query each other in a circle. PostgreSQL rejects each query that needs them (42P17, or 54001 through functions). */
export interface Recursion {
  /** The tables of the circle, starting with the alphabetically first table, which is repeated at the end. */
  readonly cycle: readonly Relation[]
  /** The policies whose queries form the circle. */
  readonly policies: readonly { readonly relation: Relation; readonly name: string }[]
  /** False if the circle leads through a function, because not every call of the function need read the next table. */
  readonly certain: boolean
  /** Tables and verbs whose policies lead into the circle, including those of the circle itself. */
  readonly reached: readonly { readonly relation: Relation; readonly verb: Verb }[]
}

/** One step on the way through policies: a table, the role that reads it, and the policy that led there. */
interface Step {
  readonly relation: Relation
  readonly viewer: ActingRole
  /** The policy of the previous step that queries this table. */
  readonly by: { readonly relation: Relation; readonly name: string } | undefined
  readonly throughFunction: boolean
  /** The first step may be a write; all further steps are `select`. A write and a read of one table are different steps. */
  readonly verb: Verb
}

const known = new WeakMap<Facts, readonly Recursion[]>()

/** All circles that policies of tenant tables lead into, for the roles of the application. */
export function recursions(facts: Facts): readonly Recursion[] {
  const before = known.get(facts)
  if (before !== undefined) return before
  const found = new Map<string, Recursion & { readonly reached: { relation: Relation; verb: Verb }[] }>()
  for (const role of facts.acting)
    for (const relation of facts.relations) {
      if (relation.policies.length === 0 || !facts.protectedFor(relation, role)) continue
      for (const verb of ['select', 'insert', 'update', 'delete'] as const) {
        const circle = follow(facts, { relation, viewer: role, by: undefined, throughFunction: false, verb }, [])
        if (circle === undefined) continue
        const key = [...new Set(circle.cycle.map((each) => each.label))].sort().join(' ')
        const entry = found.get(key) ?? { ...circle, reached: [] }
        if (!entry.reached.some((each) => each.relation === relation && each.verb === verb))
          entry.reached.push({ relation, verb })
        found.set(key, { ...entry, certain: entry.certain || circle.certain })
      }
    }
  const list = [...found.values()]
  known.set(facts, list)
  return list
}

type Circle = Pick<Recursion, 'cycle' | 'policies' | 'certain'>

function follow(facts: Facts, step: Step, path: readonly Step[]): Circle | undefined {
  const { relation, viewer, verb } = step
  const at = path.findIndex(
    (each) => each.relation === relation && each.viewer.role.oid === viewer.role.oid && each.verb === verb,
  )
  if (at >= 0) return circleOf([...path.slice(at), step])
  const written = path.findIndex(
    (each) => each.relation === relation && each.viewer.role.oid === viewer.role.oid && each.verb !== verb,
  )
  // Within one query PostgreSQL rejects a table that is reached a second time, for any verb, if its policies contain a subquery (even one
  // that reads no table). A function runs a query of its own, so steps through a function do not count.
  const inOneQuery = written >= 0 && ![...path.slice(written + 1), step].some((each) => each.throughFunction)
  if (inOneQuery && hasSubquery(facts, step)) return circleOf([...path.slice(written), step])
  if (path.length > MOST_STEPS || !facts.protectedFor(relation, viewer)) return undefined
  for (const policy of relation.policies) {
    if (!covers(policy.command, verb) || !appliesTo(policy, viewer)) continue
    for (const text of [policy.using, policy.check]) {
      const parsed = text === undefined ? undefined : facts.sql.expression(text)
      if (parsed?.ok !== true) continue
      for (const next of readsOf(facts, parsed.value, viewer)) {
        const by = { relation, name: policy.name }
        const found = follow(facts, { ...next, by, verb: 'select' }, [...path, step])
        if (found !== undefined) return found
      }
    }
  }
  return undefined
}

const MOST_STEPS = 24

function hasSubquery(facts: Facts, { relation, viewer, verb }: Step): boolean {
  return relation.policies.some((policy) => {
    if (!covers(policy.command, verb) || !appliesTo(policy, viewer)) return false
    const parsed = policy.using === undefined ? undefined : facts.sql.expression(policy.using)
    let found = false
    if (parsed?.ok === true)
      walkExpression(parsed.value, {
        expression: (expr) => {
          found ||= expr.kind === 'subquery'
        },
      })
    return found
  })
}

function circleOf(steps: readonly Step[]): Circle {
  const tables = steps.slice(0, -1)
  const policies = steps.slice(1).flatMap((step) => step.by ?? [])
  const lowest = tables.reduce(
    (best, step, at) => (step.relation.label < (tables[best]?.relation.label ?? '') ? at : best),
    0,
  )
  const turned = [...tables.slice(lowest), ...tables.slice(0, lowest)].map((step) => step.relation)
  return {
    cycle: [...turned, ...turned.slice(0, 1)],
    policies: policies.filter(
      (policy, at) =>
        policies.findIndex((other) => other.relation === policy.relation && other.name === policy.name) === at,
    ),
    certain: !steps.slice(1).some((step) => step.throughFunction),
  }
}

type Read = Pick<Step, 'relation' | 'viewer' | 'throughFunction'>

/** Tables that an expression reads, in subqueries and through functions and views, each with the role that reads it. */
function readsOf(facts: Facts, expr: Expr, viewer: ActingRole): readonly Read[] {
  const reads: Read[] = []
  const seen = new Set<string>()
  const visit = (as: ActingRole, throughFunction: boolean): Visitor => ({
    table: (item) => {
      const relation = tableOf(facts, item)
      if (relation === undefined) return
      if (relation.kind !== 'view') {
        reads.push({ relation, viewer: as, throughFunction })
        return
      }
      const inner = facts.sql.view(relation)
      const key = `view ${relation.oid} ${as.role.oid}`
      if (!inner.ok || seen.has(key)) return
      seen.add(key)
      walkQuery(inner.value, visit(isInvoker(relation) ? as : roleOf(facts, relation.owner, as), throughFunction))
    },
    expression: (part) => {
      if (part.kind !== 'call') return
      for (const fn of facts.functionsNamed(part.schema, part.name)) {
        const next = fn.securityDefiner ? roleOf(facts, fn.owner, as) : as
        const key = `function ${fn.oid} ${next.role.oid}`
        if (seen.has(key)) continue
        seen.add(key)
        walkBody(facts.sql.body(fn), visit(next, true))
      }
    },
  })
  walkExpression(expr, visit(viewer, false))
  return reads
}

/** A view with security_invoker: the caller's privileges and policies apply. */
function isInvoker({ options }: Relation): boolean {
  return /^(true|on|yes|1)$/i.test(options.get('security_invoker') ?? '')
}

function tableOf(facts: Facts, item: Extract<FromItem, { kind: 'table' }>): Relation | undefined {
  return facts.relationNamed(item.schema, item.name)
}

function roleOf(facts: Facts, oid: Oid, fallback: ActingRole): ActingRole {
  const role = facts.catalog.roles.get(oid)
  if (role === undefined) return fallback
  return { role, path: [role.name], rights: facts.graph.rightsOf(oid), bypasses: role.superuser || role.bypassRls }
}
