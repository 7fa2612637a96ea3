import type { DatabaseFunction, Oid, Relation } from '../catalog/model.ts'
import { walkBody } from '../sql/walk.ts'
import type { Facts } from './facts.ts'
import { lookupsOf } from './lookups.ts'

/** Names that tell which role logged in and from where. SET ROLE does not change their values. */
const SAYS_WHO_LOGGED_IN =
  /\b(session_user|system_user|session_authorization|pg_stat_activity|pg_stat_get_activity|pg_stat_(ssl|gssapi)|inet_client_(addr|port))\b/i

const known = new WeakMap<Facts, (label: string) => boolean>()

/**
 * Whether a function, or the policies of a table (or of a table that they query), depend on who logged in. Then only a connection of the
 * application's own login gets the same answers as the application.
 */
export function asksForSession(facts: Facts, label: string): boolean {
  let asks = known.get(facts)
  if (asks === undefined) {
    asks = makeAsks(facts)
    known.set(facts, asks)
  }
  return asks(label)
}

function makeAsks(facts: Facts): (label: string) => boolean {
  const lookups = lookupsOf(facts)
  const answers = new Map<string, boolean>()
  return (label) => {
    const before = answers.get(label)
    if (before !== undefined) return before
    const labels = new Set([label, ...lookups(label)])
    const answer =
      facts.relations.some((relation) => labels.has(relation.label) && policiesAsk(facts, relation)) ||
      facts.functions.some((fn) => fn.label === label && functionAsks(facts, fn, new Set()))
    answers.set(label, answer)
    return answer
  }
}

function policiesAsk(facts: Facts, relation: Relation): boolean {
  const seen = new Set<Oid>()
  return relation.policies.some(
    ({ using, check, functions }) =>
      SAYS_WHO_LOGGED_IN.test(`${using ?? ''} ${check ?? ''}`) ||
      functions.some((oid) => {
        const fn = facts.catalog.functions.get(oid)
        return fn !== undefined && functionAsks(facts, fn, seen)
      }),
  )
}

function functionAsks(facts: Facts, fn: DatabaseFunction, seen: Set<Oid>): boolean {
  if (seen.has(fn.oid)) return false
  seen.add(fn.oid)
  if (SAYS_WHO_LOGGED_IN.test(`${fn.source} ${fn.atomicBody ?? ''}`)) return true
  const called: DatabaseFunction[] = []
  walkBody(facts.sql.body(fn), {
    expression: (expr) => {
      if (expr.kind === 'call') called.push(...facts.functionsNamed(expr.schema, expr.name))
    },
  })
  return called.some((inner) => functionAsks(facts, inner, seen))
}
