import type { Relation, Role } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { RolePath } from '../../catalog/role-graph.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import type { Probe } from '../attack/session.ts'
import { rolesInReach, showPath } from '../readings/role-paths.ts'
import { narrowSql, widerLogins } from '../rules/login-role-wider.ts'

/** Becomes each role that bypasses row-level security, starting from the application's login, and reads the other tenant's rows. */
export const become: Attack = {
  name: 'become',
  title: 'becomes roles to which no policy applies',
  needs:
    'a role to which no policy applies (superuser, BYPASSRLS, owner of a tenant table) and that the application’s role can become, an application’s role with SUPERUSER or BYPASSRLS, or a login with more rights than that role',
  rules: ['role-superuser', 'role-bypassrls', 'role-can-become-privileged', 'login-role-wider'],
  async run(arena) {
    const { facts } = arena
    const app = facts.tenancy.appRole
    for (const path of rolesInReach(facts)) {
      const { role } = path
      // If the application's role owns tables, another rule reports that for each table.
      if (role.oid === app.oid && !role.superuser && !role.bypassRls) continue
      const seen = await firstRead(arena, (relation) => (privileged(role, relation) ? stepsTo(path) : undefined), role)
      if (seen === undefined) continue
      arena.report({
        rule:
          role.oid !== app.oid ? 'role-can-become-privileged' : role.superuser ? 'role-superuser' : 'role-bypassrls',
        object: `role ${app.name}`,
        ...(role.oid === app.oid ? {} : { detail: role.name }),
        message: `${app.name} reads rows of other tenants as ${role.name}.`,
        evidence: [`as ${showPath(path)}, tenant A: SELECT on ${seen} returned the planted row of tenant B`],
        fix: `REVOKE ${quoteIdentifier(role.name)} FROM ${quoteIdentifier(app.name)};`,
      })
    }
    for (const { login, width } of widerLogins(facts)) {
      const climb = `${width.via.oid === login.oid ? '' : `set local role ${quoteIdentifier(width.via.name)};`}`
      const leave = `set local session authorization ${quoteIdentifier(login.name)};set local role ${quoteIdentifier(app.name)};reset role;${climb}`
      const seen = await firstRead(
        arena,
        (relation) => (privileged(width.via, relation) ? [leave] : undefined),
        width.via,
      )
      if (seen !== undefined)
        arena.report({
          rule: 'login-role-wider',
          object: `role ${login.name}`,
          message: `RESET ROLE gives ${login.name}, which reads rows of all tenants.`,
          evidence: [
            `logged in as ${login.name}, SET ROLE ${app.name}, RESET ROLE: SELECT on ${seen} returned the planted row of tenant B`,
          ],
          fix: narrowSql(facts, login, width),
        })
    }
  },
}

function privileged(role: Role, relation: Relation): boolean {
  return role.superuser || role.bypassRls || role.oid === relation.owner
}

/**
 * Statements that lead from the login to the role. They begin with the session authorization, because PostgreSQL checks SET ROLE against
 * session_user.
 */
export function stepsTo(path: RolePath): readonly string[] {
  const [first = '', ...hops] = path.path
  const steps = [`set local session authorization ${quoteIdentifier(first)}`]
  // The path contains a membership with ADMIN OPTION but without SET. The role then grants itself the membership again, with SET.
  if (path.needsGrant) {
    let from = first
    for (const hop of hops) {
      steps.push(`grant ${quoteIdentifier(hop)} to ${quoteIdentifier(from)}`)
      from = hop
    }
  }
  if (hops.length > 0) steps.push(`set local role ${quoteIdentifier(path.role.name)}`)
  return steps
}

/** The label of the first table whose row of B is read after these steps. */
async function firstRead(
  arena: Arena,
  stepsFor: (relation: Relation) => readonly string[] | undefined,
  role: Role,
): Promise<string | undefined> {
  const { facts, session } = arena
  const acting: ActingRole = { role, path: [role.name], rights: facts.graph.rightsOf(role.oid), bypasses: false }
  for (const table of facts.tenancy.tables.values()) {
    const { relation } = table
    const steps = stepsFor(relation)
    const row = arena.row(relation, 'b')
    if (steps === undefined || row === undefined || table.kind !== 'tenant') continue
    const b = row.values[table.column.name]
    const answer: Probe<boolean> = await session.probe(async () => {
      for (const step of steps) await session.run(step)
      await session.run(`${arena.contexts.a.sql(acting)}select 1`)
      if (role.oid === relation.owner && !role.superuser && !role.bypassRls)
        await session.run(
          `alter table ${qualifiedName(relation)} no force row level security, disable row level security`,
        )
      const seen = await session.text(
        `select 1 from ${qualifiedName(relation)} where ${quoteIdentifier(table.column.name)}::text = ${quoteLiteral(b ?? '')} limit 1`,
      )
      return seen.count > 0
    })
    if (answer.ok && answer.value) return relation.label
  }
  return undefined
}
