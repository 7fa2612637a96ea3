import type { Catalog } from '../../catalog/catalog.ts'
import type { Role } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import { isRequestGateway } from '../../tenancy/discovery/request-roles.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { crossedBy, otherLogin, ownedTables, someOf } from '../readings/role-paths.ts'

export const loginRoleWider: Rule = {
  id: 'login-role-wider',
  group: 'role',
  title: "The login behind the application's role has more rights",
  severity: 'high',
  meaning:
    'The application works under SET ROLE; an injected RESET ROLE makes it the login role again, to which no policy applies.',
  remedy: 'Log in as a role that owns nothing, has no BYPASSRLS and inherits nothing.',
  *run(facts) {
    for (const { login, width } of widerLogins(facts)) {
      const draft = finding(facts, login, width)
      // The gateway becomes privileged roles by design, and runs no SQL of its own under the app's.
      if (width.via.oid !== login.oid && isRequestGateway(facts.catalog, login, facts.tenancy.appRole))
        yield { ...withoutCrossing(draft), severity: 'low' }
      else yield draft
    }
  },
}

/** Logins from which the app's role is reached by SET ROLE, and which no policy holds. */
export function widerLogins(facts: Facts): readonly { readonly login: Role; readonly width: Width }[] {
  const app = facts.tenancy.appRole
  // A role that logs in itself is not reached by SET ROLE; who else is a member of it administers it.
  if (app.login) return []
  const logins = [...facts.catalog.roles.values()].filter(
    (role) =>
      // The role that initdb makes is a member of what it created; no application logs in as it.
      role.oid !== 10 &&
      role.login &&
      role.oid !== app.oid &&
      facts.graph.settable(role.oid).some((to) => to.role.oid === app.oid),
  )
  const judged = logins.map((login) => ({ login, width: widthOf(facts, login) }))
  // Beside a login that is narrow, the wide one is the migrator's or the operator's.
  if (judged.some(({ width }) => width === undefined)) return []
  return judged.flatMap(({ login, width }) => (width === undefined ? [] : [{ login, width }]))
}

/** A warning about the login says nothing of the tables that requests reach. */
function withoutCrossing({ verbs: _verbs, tables: _tables, ...draft }: FindingDraft): FindingDraft {
  return draft
}

interface Width {
  readonly why: string
  readonly via: Role
  readonly owned: readonly string[]
}

/** Why a login, or a role that it can become without the app's, is held by no policy. */
function widthOf(facts: Facts, login: Role): Width | undefined {
  const app = facts.tenancy.appRole
  const others = facts.graph.becomable(login.oid).filter((path) => !path.path.includes(app.name))
  for (const role of [login, ...others.map((path) => path.role)]) {
    const owned = ownedTables(facts, role.oid)
    const why = role.superuser
      ? 'is a superuser'
      : role.bypassRls
        ? 'has BYPASSRLS'
        : owned.length > 0
          ? `owns ${someOf(owned)}`
          : undefined
    if (why !== undefined) return { why, via: role, owned }
  }
  return undefined
}

function finding(facts: Facts, login: Role, { why, via, owned }: Width): FindingDraft {
  return {
    object: `role ${login.name}`,
    message: `The app reaches ${facts.tenancy.appRole.name} from the login ${login.name}, ${via.oid === login.oid ? `which ${why}` : `which can become ${via.name}, and that role ${why}`}: after RESET ROLE in injected SQL no policy applies.`,
    evidence: [`${login.name} is a member of ${facts.tenancy.appRole.name} and can log in`],
    ...(owned.length > 0
      ? { tables: owned, verbs: ['select', 'insert', 'update', 'delete'] as const }
      : crossedBy(facts, via)),
    fix: narrowSql(facts, login, { why, via, owned }),
  }
}

/** Makes the login narrow, with what each statement takes away. What it inherits is left to a person: jobs may use it. */
export function narrowSql(facts: Facts, login: Role, { via, owned }: Width): string {
  const name = quoteIdentifier(login.name)
  const role = quoteIdentifier(via.name)
  const itself = via.oid === login.oid
  const inheritance = withoutInheritance(facts.catalog, login, via)
  return [
    ...(itself && (via.superuser || via.bypassRls) ? [otherLogin(facts)] : []),
    ...(itself && owned.length > 0 ? [`-- Give ${someOf(owned)} to a role that nobody logs in as.`] : []),
    ...(itself
      ? []
      : [
          `-- Sessions and jobs of ${name} can no longer become ${role}:`,
          ...takersOf(facts, login, via).map((taker) => `REVOKE ${role} FROM ${quoteIdentifier(taker)};`),
        ]),
    ...(inheritance.length === 0
      ? []
      : [
          `-- ${name} inherits rights from its roles. To take them away until it sets one of them, if its sessions and jobs bear that:`,
          ...inheritance.map((statement) => `--   ${statement}`),
        ]),
  ].join('\n')
}

/** The login, and roles that it can become, that were given the wide one: a REVOKE from any other role takes nothing away. */
function takersOf(facts: Facts, login: Role, via: Role): readonly string[] {
  const inReach = new Map(
    [login, ...facts.graph.becomable(login.oid).map(({ role }) => role)].map((role) => [role.oid, role]),
  )
  return facts.catalog.memberships
    .filter(({ role }) => role === via.oid)
    .flatMap(({ member }) => inReach.get(member)?.name ?? [])
}

/**
 * SQL after which the login has no rights of the roles that it is a member of, until it says SET ROLE. Since PostgreSQL 16 each
 * membership says so itself, and the role's NOINHERIT counts for memberships that are granted later.
 */
export function withoutInheritance(
  { serverVersion, memberships, roles }: Pick<Catalog, 'serverVersion' | 'memberships' | 'roles'>,
  login: Role,
  revoked: Role,
): readonly string[] {
  const name = quoteIdentifier(login.name)
  if (serverVersion < 160_000) return [`ALTER ROLE ${name} NOINHERIT;`]
  return memberships
    .filter(({ member, role, inherit }) => member === login.oid && role !== revoked.oid && inherit)
    .map(({ role }) => `GRANT ${quoteIdentifier(roles.get(role)?.name ?? '')} TO ${name} WITH INHERIT FALSE;`)
}
