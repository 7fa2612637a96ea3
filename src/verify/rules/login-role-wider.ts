import type { Catalog } from '../../catalog/catalog.ts'
import type { Role } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import { isRequestGateway } from '../../tenancy/discovery/request-roles.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { chosenSeverity } from '../finding/finding.ts'
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
      // A gateway such as PostgREST may become privileged roles by design, and its clients can't send SQL.
      if (width.via.oid !== login.oid && isRequestGateway(facts.catalog, login, facts.tenancy.appRole))
        yield {
          ...withoutCrossing(draft),
          ...chosenSeverity(
            'low',
            'verify takes the login for a gateway such as PostgREST, which becomes other roles by design and gets no SQL from its clients.',
          ),
        }
      else yield draft
    }
  },
}

/** Returns the logins that can become the application's role by SET ROLE, and that bypass row-level security. */
export function widerLogins(facts: Facts): readonly { readonly login: Role; readonly width: Width }[] {
  const app = facts.tenancy.appRole
  // If the application's role can log in, the application logs in as this role. Other logins that can become this role belong to
  // administrators.
  if (app.login) return []
  const logins = [...facts.catalog.roles.values()].filter(
    (role) =>
      // OID 10 is the superuser that initdb creates. It is a member of the roles that it created, but applications do not log in as this
      // role.
      role.oid !== 10 &&
      role.login &&
      role.oid !== app.oid &&
      facts.graph.settable(role.oid).some((to) => to.role.oid === app.oid),
  )
  const judged = logins.map((login) => ({ login, width: widthOf(facts, login) }))
  // If one of the logins does not bypass policies, it is the application's login. The others belong to migrations or operators.
  if (judged.some(({ width }) => width === undefined)) return []
  return judged.flatMap(({ login, width }) => (width === undefined ? [] : [{ login, width }]))
}

/** The finding without verbs and tables, so that it does not count against the verdict of a table. */
function withoutCrossing({ verbs: _verbs, tables: _tables, ...draft }: FindingDraft): FindingDraft {
  return draft
}

interface Width {
  readonly why: string
  readonly via: Role
  readonly owned: readonly string[]
}

/**
 * Returns how a login bypasses row-level security: by itself, or through a role that it can become. The application's role, and roles that
 * are reached through it, are left out: other rules judge them.
 */
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

/**
 * SQL after which the login no longer bypasses row-level security. Comments say which rights each statement takes away. Inherited rights
 * are left to a person, because jobs may use them.
 */
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
          `-- ${name} inherits rights from its roles. If no session or job of ${name} needs these rights without SET ROLE, end the inheritance:`,
          ...inheritance.map((statement) => `--   ${statement}`),
        ]),
  ].join('\n')
}

/**
 * Returns the roles from which the privileged role must be revoked: the login and the roles that the login can become, if they are direct
 * members of the privileged role. REVOKE has no effect on an indirect membership.
 */
function takersOf(facts: Facts, login: Role, via: Role): readonly string[] {
  const inReach = new Map(
    [login, ...facts.graph.becomable(login.oid).map(({ role }) => role)].map((role) => [role.oid, role]),
  )
  return facts.catalog.memberships
    .filter(({ role }) => role === via.oid)
    .flatMap(({ member }) => inReach.get(member)?.name ?? [])
}

/**
 * SQL after which the login has the rights of its roles only after SET ROLE. Since PostgreSQL 16 each membership has its own INHERIT
 * option, and NOINHERIT on the role only applies to memberships that are granted later.
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
