import type { Oid, Policy, Relation, Role } from '../catalog/model.ts'
import { VERBS, type Verb } from '../catalog/verbs.ts'
import { appliesTo, covers } from '../prove/effective.ts'
import type { ActingRole, Facts } from '../tenancy/facts.ts'
import { splitStatements } from '../verify/sources/split-statements.ts'
import type { Access, AccessRecord } from './access.ts'
import { wordsOf } from './concerned.ts'

interface Seen {
  /** Facts of the unchanged schema. */
  readonly facts: Facts
  /** The acting roles of the trial. */
  readonly roles: readonly ActingRole[]
  readonly before: AccessRecord
  /** Tables that could not be given a row, with the server's reason. */
  readonly failures: ReadonlyMap<Oid, string>
}

/**
 * Returns the reason why a trial of these statements could miss a loss of access. Undefined if there is no such reason. The reasons are:
 *
 * - no session of the application reached any row before the statements;
 * - the statements change a table into which no row could be planted;
 * - the statements restrict a role that the trial does not act as;
 * - the statements change policies or rights for a verb that no session of the application could use;
 * - the statements change a policy that shows rows because of a value in the row, and such rows may be shared on purpose;
 * - the statements add a test of a column that the table's policies never tested, and this column may be NULL in real rows.
 */
export function blindTo(statements: string, seen: Seen): string | undefined {
  const reached = reachedByApplication(seen, () => true)
  for (const { text } of splitStatements(statements).statements) {
    if (takesNothing(text)) continue
    if (!reached) return 'in the copy no session of the application reached any row'
    const found = forcesOnly(text) ? undefined : blindToOne(text, seen)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Tables with policies of which no session of the application could read a row, although a role of the application may SELECT and a
 * permissive policy for SELECT exists. Tables without a planted row are left out.
 */
export function unreached(seen: Seen): readonly string[] {
  const { facts, failures } = seen
  return facts.relations.flatMap((relation) => {
    if (!relation.rowSecurity || failures.has(relation.oid) || facts.tenantTable(relation) === undefined) return []
    const readers = facts.acting.filter(({ role }) => facts.privileges.onRelation(role.oid, relation, 'SELECT'))
    const lets = relation.policies.some(
      (policy) =>
        policy.permissive && covers(policy.command, 'select') && readers.some((role) => appliesTo(policy, role)),
    )
    const isReached = reachedByApplication(seen, ({ object, verb }) => object === relation.label && verb === 'select')
    return lets && !isReached ? [relation.label] : []
  })
}

function blindToOne(statement: string, seen: Seen): string | undefined {
  const { facts, failures } = seen
  const words = wordsOf(statement)
  for (const [oid, reason] of failures) {
    const relation = facts.relationOf(oid)
    if (relation !== undefined && words.has(relation.name))
      return `in the copy ${relation.label} could not be given a row: ${reason}`
  }
  const named = facts.relations.filter((relation) => words.has(relation.name))
  for (const relation of named) {
    const other = strangersTo(relation, seen).find((role) => touches(statement, relation, role, facts))
    if (other !== undefined) return `${other.name} has rights on ${relation.label} too, and no trial acts as it`
  }
  for (const relation of named) {
    if (!relation.rowSecurity) continue
    const policies = relation.policies.filter(({ permissive }) => permissive)
    const altered = policies.find(({ name }) => isAltered(statement, name))
    if (altered !== undefined && sharesByRow(altered))
      return `the policy ${altered.name} lets everybody see rows that have a certain value, and only you can say whether they are shared on purpose`
    const asked = askedAnew(statement, relation, altered)
    if (asked !== undefined) return asked
    for (const verb of verbsOf(statement, altered?.command)) {
      if (!policies.some(({ command }) => command === 'all' || command === verb)) continue
      // If no acting role has this right, no acting role can lose a row. `strangersTo` has already checked the other roles.
      if (!facts.acting.some(({ role }) => facts.privileges.onRelation(role.oid, relation, RIGHTS[verb]))) continue
      if (!reachedByApplication(seen, (access) => access.object === relation.label && access.verb === verb))
        return `in the copy nobody could ${verb.toUpperCase()} on ${relation.label}, although the policies of this table allow some sessions to do so`
    }
  }
  return undefined
}

/**
 * Returns the reason why planted rows may differ from real rows, if a statement adds a test of a column that the table's policies never
 * tested. Example: the policies decide by the user, and a new policy tests the tenant. Each planted row has the tenant of its user, but
 * real rows may have no tenant, or another tenant.
 */
function askedAnew(statement: string, relation: Relation, altered: Policy | undefined): string | undefined {
  const narrows = altered !== undefined || (/^create\s+policy\b/i.test(statement) && isRestrictive(statement))
  if (!narrows) return undefined
  const texts = relation.policies.flatMap(({ using, check, permissive }) =>
    permissive ? [`${using ?? ''} ${check ?? ''}`] : [],
  )
  const before = wordsOf(texts.join(' '))
  const now = wordsOf(statement.slice(statement.search(/\s(?:using|with\s+check)\b/i)))
  const decided = relation.columns.filter(({ name }) => before.has(name)).map(({ name }) => name)
  const isKey = (column: number) =>
    relation.constraints.some(({ kind, columns }) => kind === 'primary-key' && columns.includes(column))
  const anew = relation.columns
    .filter(({ name, number }) => now.has(name) && !before.has(name) && !isKey(number))
    .map(({ name }) => name)
  if (decided.length === 0 || anew.length === 0) return undefined
  return `the policies of ${relation.label} test ${decided.join(', ')} and never ${anew.join(', ')}. In real rows ${anew.join(', ')} may be empty, or hold another tenant's id`
}

const RIGHTS = { select: 'SELECT', insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' } as const

/**
 * Roles that have rights on a table but do not act in the trial. Left out: the owner, roles that
 * bypass policies, and partywall's own roles.
 */
function strangersTo({ grants, owner }: Relation, { facts, roles }: Seen): readonly Role[] {
  const tried = new Set(roles.flatMap(({ role, rights }) => [role.oid, ...rights]))
  return [...new Set(grants.map(({ grantee }) => grantee))].flatMap((grantee) => {
    const role = facts.catalog.roles.get(grantee)
    if (role === undefined || role.superuser || role.bypassRls || grantee === owner || tried.has(grantee)) return []
    return role.name.startsWith('partywall_') ? [] : [role]
  })
}

/** Whether the statement can hide rows from this role: it enables policies, changes a policy of the role, or revokes rights. */
function touches(statement: string, relation: Relation, role: Role, facts: Facts): boolean {
  if (!relation.rowSecurity) return /\benable row level security\b/i.test(statement) || isRevoked(statement, role)
  if (isRevoked(statement, role)) return true
  if (/^create\s+policy\b/i.test(statement)) return isRestrictive(statement) && namesRole(statement, role)
  const altered = relation.policies.find(({ name }) => isAltered(statement, name))
  const rights = facts.graph.rightsOf(role.oid)
  return altered?.roles.some((oid) => oid === 0 || oid === role.oid || rights.has(oid)) ?? false
}

function isRevoked(statement: string, role: Role): boolean {
  return /^revoke\b/i.test(statement) && wordsOf(statement.slice(statement.search(/\sfrom\s/i))).has(role.name)
}

function isRestrictive(statement: string): boolean {
  return /\bas\s+restrictive\b/i.test(statement)
}

/** Whether the clause TO names the role or PUBLIC. Without TO, a policy applies to PUBLIC. */
function namesRole(statement: string, role: Role): boolean {
  const head = statement.slice(0, statement.search(/\s(?:using|with\s+check)\b/i))
  const to = head.search(/\sto\s/i)
  if (to < 0) return true
  const words = wordsOf(head.slice(to))
  return words.has(role.name) || words.has('public') || words.has('PUBLIC')
}

/**
 * Whether a session of the application reached a row, or passed the policies with an INSERT. Owners of tables also act in a trial. Their
 * sessions are sessions of the application only if the application can act as the owner.
 */
function reachedByApplication({ facts, before }: Seen, asked: (access: Access) => boolean): boolean {
  const application = new Set(facts.acting.map(({ role }) => role.name))
  return [...before.values()].some(
    ({ access, outcome }) => outcome === 'done' && application.has(access.role) && asked(access),
  )
}

/** Whether the statement hides no row from anybody: it creates an index, or revokes TRUNCATE, REFERENCES, TRIGGER or MAINTAIN. */
function takesNothing(statement: string): boolean {
  return (
    /^create\s+index\b/i.test(statement) ||
    /^revoke (?:(?:truncate|references|trigger|maintain)(?:, )?){1,4} on /i.test(statement)
  )
}

/** Whether the statement only sets FORCE ROW LEVEL SECURITY. FORCE restricts only the owner, and each trial acts as the owner. */
function forcesOnly(statement: string): boolean {
  return / force row level security$/i.test(statement) && !/\benable\b/i.test(statement)
}

function isAltered(statement: string, policy: string): boolean {
  const named = /^(?:alter|drop)\s+policy\s+(?:if\s+exists\s+)?(?:"((?:[^"]|"")*)"|([^\s"]+))/i.exec(statement)
  return (named?.[1]?.replaceAll('""', '"') ?? named?.[2]?.toLowerCase()) === policy
}

/** The verbs that a statement on policies or rights changes; none for other statements. */
function verbsOf(statement: string, command: string | undefined): readonly Verb[] {
  if (/^revoke\b/i.test(statement)) {
    const head = statement.slice(0, statement.search(/\son\s/i)).toLowerCase()
    return VERBS.filter((verb) => head.includes(verb) || /\ball\b/.test(head))
  }
  if (!/^(?:create|alter|drop)\s+policy\b/i.test(statement)) return []
  const named = command ?? /\bfor\s+(select|insert|update|delete)\b/i.exec(statement)?.[1]?.toLowerCase() ?? 'all'
  return VERBS.filter((verb) => named === 'all' || named === verb)
}

/** Whether the policy's condition uses values of the row and nothing of the session. */
function sharesByRow({ using, functions }: Policy): boolean {
  const text = (using ?? 'true').replace(/'(?:[^']|'')*'/g, '').toLowerCase()
  if (/^\(*true\)*$/.test(text) || functions.length > 0) return false
  return !/current_|session_user|system_user|\bpg_\w+\(/.test(text)
}
