import { quoteIdentifier } from '../../catalog/names.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { becomeSql } from '../attack/identity.ts'
import { ownedTables, rolesInReach } from '../readings/role-paths.ts'

/**
 * Uses what a role may do without a grant on the object:
 * - grant itself roles (CREATEROLE);
 * - read or write every table (pg_read_all_data, pg_write_all_data);
 * - read the queries of other roles (pg_monitor);
 * - set protected parameters.
 */
export const rolePowers: Attack = {
  name: 'role-powers',
  title: 'uses predefined roles, CREATEROLE and parameter grants',
  needs:
    'CREATEROLE and an owner of tables that the role could grant to itself, pg_read_all_data, pg_write_all_data, pg_monitor, pg_read_all_stats or SET on a parameter, for a role in reach',
  rules: ['role-createrole', 'role-predefined', 'role-monitor', 'parameter-privilege'],
  async run(arena) {
    await grantItself(arena)
    await useAllData(arena)
    await watchQueries(arena)
    await setParameter(arena)
  },
}

async function grantItself(arena: Arena): Promise<void> {
  const { facts, session } = arena
  const owners = [...facts.catalog.roles.values()].filter((role) => ownedTables(facts, role.oid).length > 0)
  for (const { role } of rolesInReach(facts)) {
    if (!role.createRole || role.superuser) continue
    for (const owner of owners) {
      if (owner.oid === role.oid || owner.superuser) continue
      const answer = await session.probe(async () => {
        await session.run(`set local session authorization ${quoteIdentifier(role.name)}`)
        await session.run(`grant ${quoteIdentifier(owner.name)} to ${quoteIdentifier(role.name)}`)
      })
      if (!answer.ok) continue
      arena.report({
        rule: 'role-createrole',
        object: `role ${role.name}`,
        message: `${role.name} grants itself ${owner.name}, which owns tenant tables.`,
        evidence: [`as ${role.name}: GRANT ${owner.name} TO ${role.name} was accepted`],
        fix: `ALTER ROLE ${quoteIdentifier(role.name)} NOCREATEROLE;`,
      })
      break
    }
  }
}

async function useAllData(arena: Arena): Promise<void> {
  const { facts, session } = arena
  const app = facts.tenancy.appRole.name
  for (const [name, statement] of [
    ['pg_read_all_data', 'select * from partywall_unshared.note'],
    ['pg_write_all_data', "insert into partywall_unshared.note values ('x')"],
  ] as const) {
    const power = [...facts.catalog.roles.values()].find((role) => role.name === name)
    const role = facts.acting.find((acting) => power !== undefined && !acting.bypasses && acting.rights.has(power.oid))
    if (role === undefined) continue
    const answer = await session.probe(async () => {
      await session.run(
        "create schema partywall_unshared; create table partywall_unshared.note (body text); insert into partywall_unshared.note values ('x')",
      )
      await session.run(`${becomeSql(arena.facts, role)}`)
      return (await session.text(statement)).count
    })
    if (answer.ok && answer.value > 0)
      arena.report({
        rule: 'role-predefined',
        object: `role ${app}`,
        detail: name,
        message: `${app} uses a table that nobody granted it, through ${name}.`,
        evidence: [
          `as ${role.path.join(' → ')}: a new table without any grant was ${name === 'pg_read_all_data' ? 'read' : 'written'}`,
        ],
        fix: `REVOKE ${name} FROM ${quoteIdentifier(app)};`,
      })
  }
}

async function watchQueries(arena: Arena): Promise<void> {
  const { facts, session } = arena
  const app = facts.tenancy.appRole.name
  for (const name of ['pg_monitor', 'pg_read_all_stats']) {
    const power = [...facts.catalog.roles.values()].find((role) => role.name === name)
    const role = facts.acting.find((acting) => power !== undefined && !acting.bypasses && acting.rights.has(power.oid))
    if (role === undefined) continue
    const answer = await session.probe(async () => {
      await session.run(`${becomeSql(arena.facts, role)}`)
      // pg_stat_activity lists this session under its session user. That is not the role that acts now, so the query text counts as another
      // role's.
      return await session.text(
        `select query from pg_catalog.pg_stat_activity where pid = pg_catalog.pg_backend_pid() and usename <> current_user and query <> '<insufficient privilege>'`,
      )
    })
    if (answer.ok && answer.value.count > 0)
      arena.report({
        rule: 'role-monitor',
        object: `role ${app}`,
        detail: name,
        message: `${app} reads the query texts of other roles.`,
        evidence: [`as ${role.path.join(' → ')}: pg_stat_activity showed the query of another role's session`],
        fix: `REVOKE ${name} FROM ${quoteIdentifier(app)};`,
      })
  }
}

async function setParameter(arena: Arena): Promise<void> {
  const { facts, session } = arena
  if (!facts.catalog.parameterGrants.some((entry) => entry.parameter === 'session_replication_role')) return
  for (const role of facts.acting) {
    if (role.bypasses) continue
    const answer = await session.probe(async () => {
      await session.run(`${becomeSql(arena.facts, role)}`)
      await session.run('set local session_replication_role = replica')
    })
    if (!answer.ok) continue
    arena.report({
      rule: 'parameter-privilege',
      object: 'parameter session_replication_role',
      message: `${role.role.name} switches triggers and foreign keys off.`,
      evidence: [`as ${role.path.join(' → ')}: SET session_replication_role = replica was accepted`],
      fix: `REVOKE SET ON PARAMETER session_replication_role FROM ${quoteIdentifier(role.role.name)};`,
    })
    return
  }
}
