import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase } from '../setup/database.ts'
import { dropRoles } from '../setup/drop-roles.ts'

it('a report names the role and the server, each role that it speaks of, and logins to which no policy applies', {
  timeout: 60_000,
}, async () => {
  const name = `beside_${randomBytes(4).toString('hex')}`
  const database = await createTestDatabase()
  const roles = ['super', 'bypass', 'reader', 'replica', 'group', 'member', 'caller', 'plain'].map(
    (each) => `${name}_${each}`,
  )
  await database.admin(`create role ${name}_super login superuser; create role ${name}_bypass login bypassrls;
    create role ${name}_reader login in role pg_read_all_data; create role ${name}_replica login replication;
    create role ${name}_group bypassrls; create role ${name}_member login in role ${name}_group;
    create role ${name}_caller; create role ${name}_plain login;
    create function hello() returns int language sql as 'select 1'; grant execute on function hello() to ${name}_caller`)
  afterFile(() => dropRoles([database], roles))

  const run = async (ownServer: boolean, databaseUrl = database.adminUrl) => {
    const { examined } = await verifyDatabase({ databaseUrl, ownServer, appRole: 'app', mode: 'static', rules: [] })
    const listed = examined.roles.map((role) => role.name)
    return { examined, ours: listed.filter((each) => roles.includes(each)).sort(), listed }
  }
  const { examined, ours, listed } = await run(false)
  expect(ours).toEqual(roles.filter((each) => !each.endsWith('plain')).sort())
  expect(examined.roles.find((role) => role.name === `${name}_replica`)?.replication).toBe(true)
  // Privileges on the database and on schemas name these.
  const granted = [...examined.wideGrants, ...examined.untriedWideGrants].map(({ role }) => role)
  for (const role of new Set(granted)) if (role !== 'PUBLIC') expect(listed).toContain(role)
  expect(granted.some((role) => role.startsWith('partywall_'))).toBe(true)
  // Whatever else is on a server that was started for the run, the report is the same.
  const own = await run(true)
  expect(own.ours).toEqual([`${name}_caller`])
  expect(own.examined.server.identifier).toBeUndefined()

  const { rows } = await database.admin('select system_identifier::text as id from pg_control_system()')
  expect(examined.server).toMatchObject({
    reader: { name: new URL(database.adminUrl).username, superuser: true },
    identifier: rows[0].id,
  })
  const plain = await run(false, database.acrossUrl)
  expect(plain.examined.server).toMatchObject({
    reader: { name: 'app_across', superuser: false },
    identifier: rows[0].id,
  })
  const functions = await database.admin(
    `select count(*)::int as all, (count(*) filter (where prosecdef))::int as definers from pg_proc where pronamespace = 'partywall'::regnamespace`,
  )
  expect(examined.ownSchema).toEqual({ functions: functions.rows[0].all, definers: functions.rows[0].definers })
})
