import { quoteIdentifier } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { usableGrantees } from '../readings/grantees.ts'
import { THIS_DATABASE } from '../readings/this-database.ts'

/** Creates a table as the role whose default privileges are too wide, and uses it as the application. */
export const defaultPrivileges: Attack = {
  name: 'default-privileges',
  title: 'creates a new table and uses it as the application',
  needs: 'default privileges that give new tables to a role in reach',
  rules: ['grant-default-privileges'],
  async run(arena) {
    const { facts, session } = arena
    for (const entry of facts.catalog.defaultPrivileges) {
      if (entry.objectType !== 'tables') continue
      const privilege = (['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const).find(
        (name) => usableGrantees(facts, entry.grants, name, entry.role).length > 0,
      )
      if (privilege === undefined) continue
      const given = facts.catalog.schemas.get(entry.schema)
      const schema =
        given ??
        [...facts.catalog.schemas.values()].find(
          (candidate) =>
            facts.tenancy.schemas.has(candidate.name) &&
            facts.privileges.onSchema(entry.role, candidate.oid, 'CREATE') &&
            facts.acting.some((role) => facts.privileges.onSchema(role.role.oid, candidate.oid, 'USAGE')),
        )
      if (schema === undefined) continue
      const creator = facts.roleName(entry.role)
      const table = `${quoteIdentifier(schema.name)}.partywall_future`
      const use = {
        SELECT: `select body from ${table}`,
        INSERT: `insert into ${table} values ('y')`,
        UPDATE: `update ${table} set body = 'y'`,
        DELETE: `delete from ${table}`,
      }[privilege]
      const object = given === undefined ? THIS_DATABASE : `schema ${given.name}`
      for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
        const made = await session.probe(async () => {
          await session.run(`set local role ${quoteIdentifier(creator)}`)
          await session.run(`create table ${table} (body text); insert into ${table} values ('x')`)
          arena.tried('grant-default-privileges', object)
          await session.run(`${AS_PLANTER}; ${becomeSql(arena.facts, role)}`)
          return (await session.text(use)).count
        })
        if (!made.ok || made.value === 0) continue
        arena.report({
          rule: 'grant-default-privileges',
          object,
          detail: creator,
          message: `A new table of ${creator} is open to the app.`,
          evidence: [
            `a table that ${creator} made in ${schema.name}: ${privilege} as ${role.path.join(' → ')} worked at once`,
          ],
          fix: `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(creator)} REVOKE ALL ON TABLES FROM ${quoteIdentifier(role.role.name)};`,
        })
        break
      }
    }
  },
}
