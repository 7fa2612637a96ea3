import type { Oid, Policy, Relation, Role } from '../catalog/model.ts'
import { VERBS, type Verb } from '../catalog/verbs.ts'
import type { ActingRole, Facts } from '../tenancy/facts.ts'
import { splitStatements } from '../verify/sources/split-statements.ts'
import type { Access, AccessRecord } from './access.ts'
import { wordsOf } from './concerned.ts'

interface Seen {
  /** The schema as it is. */
  readonly facts: Facts
  /** Who acts in the trial. */
  readonly roles: readonly ActingRole[]
  readonly before: AccessRecord
  /** Tables that could not be given a row, with the server's reason. */
  readonly failures: ReadonlyMap<Oid, string>
}

/**
 * Why nothing follows from a trial of these statements, or undefined: no session reached any row before, so that none can lose one;
 * they change a table that holds no row; they hold a role that nobody acts as; or they change what policies allow of which no session
 * made use.
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
      // Without the right nobody who acts here loses anything; others were asked for above.
      if (!facts.acting.some(({ role }) => facts.privileges.onRelation(role.oid, relation, RIGHTS[verb]))) continue
      if (!reachedByApplication(seen, (access) => access.object === relation.label && access.verb === verb))
        return `in the copy nobody could ${verb.toUpperCase()} on ${relation.label}, where policies of its own allow it to some`
    }
  }
  return undefined
}

/**
 * The planted rows have a tenant, and it is their user's. Where policies decide by the user and never asked for the tenant, real rows
 * may have none, or another.
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
  return `the policies of ${relation.label} decide by ${decided.join(', ')} and never by ${anew.join(', ')}, which may be empty in real rows, or somebody else's`
}

const RIGHTS = { select: 'SELECT', insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' } as const

/** Roles with rights of their own on a table that nobody here acts as, and that policies hold. */
function strangersTo({ grants, owner }: Relation, { facts, roles }: Seen): readonly Role[] {
  const tried = new Set(roles.flatMap(({ role, rights }) => [role.oid, ...rights]))
  return [...new Set(grants.map(({ grantee }) => grantee))].flatMap((grantee) => {
    const role = facts.catalog.roles.get(grantee)
    if (role === undefined || role.superuser || role.bypassRls || grantee === owner || tried.has(grantee)) return []
    return role.name.startsWith('partywall_') ? [] : [role]
  })
}

/** The statement may take rows from this role: it brings policies into force, changes one that applies to it, or revokes its rights. */
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

/** TO names it, or everybody, as it does where it is left out. */
function namesRole(statement: string, role: Role): boolean {
  const head = statement.slice(0, statement.search(/\s(?:using|with\s+check)\b/i))
  const to = head.search(/\sto\s/i)
  if (to < 0) return true
  const words = wordsOf(head.slice(to))
  return words.has(role.name) || words.has('public') || words.has('PUBLIC')
}

/** A session of the application reached a row so, or was let through by the policies. Owners reach theirs past the policies. */
function reachedByApplication({ facts, before }: Seen, asked: (access: Access) => boolean): boolean {
  const application = new Set(facts.acting.map(({ role }) => role.name))
  return [...before.values()].some(
    ({ access, outcome }) => outcome === 'done' && application.has(access.role) && asked(access),
  )
}

/** Statements that take no row from anybody: indexes, and rights that no policy holds. */
function takesNothing(statement: string): boolean {
  return (
    /^create\s+index\b/i.test(statement) ||
    /^revoke (?:(?:truncate|references|trigger|maintain)(?:, )?){1,4} on /i.test(statement)
  )
}

/** FORCE holds the owner, which acts in each trial. */
function forcesOnly(statement: string): boolean {
  return / force row level security$/i.test(statement) && !/\benable\b/i.test(statement)
}

function isAltered(statement: string, policy: string): boolean {
  const named = /^(?:alter|drop)\s+policy\s+(?:if\s+exists\s+)?(?:"((?:[^"]|"")*)"|([^\s"]+))/i.exec(statement)
  return (named?.[1]?.replaceAll('""', '"') ?? named?.[2]?.toLowerCase()) === policy
}

/** What statements on policies and rights change; nothing for others. */
function verbsOf(statement: string, command: string | undefined): readonly Verb[] {
  if (/^revoke\b/i.test(statement)) {
    const head = statement.slice(0, statement.search(/\son\s/i)).toLowerCase()
    return VERBS.filter((verb) => head.includes(verb) || /\ball\b/.test(head))
  }
  if (!/^(?:create|alter|drop)\s+policy\b/i.test(statement)) return []
  const named = command ?? /\bfor\s+(select|insert|update|delete)\b/i.exec(statement)?.[1]?.toLowerCase() ?? 'all'
  return VERBS.filter((verb) => named === 'all' || named === verb)
}

/** Its condition asks for values of the row, and nothing of the session. */
function sharesByRow({ using, functions }: Policy): boolean {
  const text = (using ?? 'true').replace(/'(?:[^']|'')*'/g, '').toLowerCase()
  if (/^\(*true\)*$/.test(text) || functions.length > 0) return false
  return !/current_|session_user|system_user|\bpg_\w+\(/.test(text)
}
