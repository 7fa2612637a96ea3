import type { Expr } from '../sql/tree.ts'
import { walkExpression } from '../sql/walk.ts'
import type { Facts, Weakness, WeaknessKind } from '../tenancy/facts.ts'
import { AtomReader } from './atom-reader.ts'
import type { BranchInput } from './branch-input.ts'
import { Equalities } from './equalities.ts'

/**
 * Functions of PostgreSQL that tell about the session. Settings and names of roles are not in this list: the resolver has already turned
 * them into terms or constants.
 */
const OF_SESSION = /^(current_setting|pg_has_role|has_\w+_privilege|inet_client_addr|pg_backend_pid|pg_get_userbyid)$/

/** Weaknesses by which each session passes: its condition is true for every tenant, or any SQL can make it true. */
const FOR_ALL: ReadonlySet<WeaknessKind> = new Set([
  'always-true',
  'fail-open',
  'swallowed-error',
  'bypass-flag',
  'user-claim',
])

/**
 * Which sessions pass a branch of a policy on a table without a tenant. Undefined if a condition ties the row to the session: the policies
 * may keep tenants apart, although the prover can't show it.
 *
 * A lookup ties the row too, if its conditions name the session, or if policies restrict the rows that it sees.
 */
export function passesOf(input: BranchInput, kind: WeaknessKind): Weakness['passes'] {
  const reader = new AtomReader(input)
  const tied = new Equalities()
  let asks = false
  const isSession = (atom: Expr) => reader.isOpaque(atom) || tellsOfSession(atom)
  for (const atom of reader.atoms) {
    const terms = reader.deepTerms(atom)
    const session = isSession(atom) || terms.some((term) => /^(context|key|setting|value)$/.test(term.kind))
    const nodes = [
      ...terms.flatMap((term) => (term.kind === 'column' ? [term.instance.id] : [])),
      ...(session ? ['session'] : []),
    ]
    asks ||= session
    for (const node of nodes) tied.union(node, nodes[0] ?? node)
  }
  for (const { id, viewer, relation } of input.branch.instances)
    if (viewer !== 'bypass' && input.facts.protectedFor(relation, viewer)) {
      asks = true
      tied.union(id, 'session')
    }
  if (tied.same(input.row.id, 'session')) return undefined
  return asks && !FOR_ALL.has(kind) ? 'sessions' : 'everybody'
}

/**
 * Which sessions pass a clause that can't be read. If it names no column, the same sessions pass for all rows. Undefined if it may test
 * whose row it is.
 */
export function passesUnread(facts: Facts, text: string): Weakness['passes'] {
  const parsed = facts.sql.expression(text)
  if (!parsed.ok) return undefined
  let named = false
  walkExpression(parsed.value, {
    expression: (part) => {
      named ||= part.kind === 'column'
    },
  })
  return named ? undefined : 'sessions'
}

function tellsOfSession(atom: Expr): boolean {
  let found = false
  walkExpression(atom, {
    expression: (part) => {
      if (part.kind === 'subquery' || part.kind === 'parameter') found = true
      if (part.kind === 'keyword' && /user|role/.test(part.name)) found = true
      if (part.kind === 'call' && OF_SESSION.test(part.name)) found = true
      // A column whose table is not known may be anything.
      if (part.kind === 'column' && part.table === undefined) found = true
    },
  })
  return found
}
