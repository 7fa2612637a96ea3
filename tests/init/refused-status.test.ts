// Which tenants the written file refuses: those whose status is not active, as the schema and its rows tell.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { expect, it } from 'vitest'
import { planOn } from '../../cli/protect/protect-plan.ts'
import { refusedStatus } from '../../src/init/plan/refused-status.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase } from '../setup/database.ts'
import { dropRoles } from '../setup/drop-roles.ts'
import { ORGS } from './orgs-facts.ts'

it('names the values of a CHECK and those of rows, and none if all are active', { timeout: 60_000 }, async () => {
  const app = `status_${randomBytes(4).toString('hex')}`
  const database = await createTestDatabase({ migrated: false })
  await database.admin(`create role ${app} login;
    create table orgs (id int primary key, status text not null check (status in ('active', 'trial')));
    create table notes (id int primary key, org_id int not null references orgs);
    grant select on all tables in schema public to ${app}`)
  afterFile(() => dropRoles([database], [app]))
  const client = new pg.Client({ connectionString: database.adminUrl })
  await client.connect()
  try {
    const db = { query: (text: string, values: readonly unknown[] = []) => client.query(text, [...values]) }
    const told = async () => {
      const { catalog, tenancy } = await planOn(db, { appRole: app, seal: false })
      const left = await refusedStatus(db, catalog, tenancy, { ...ORGS, status: 'status' }, 'src/partywall.ts')
      return left.map(({ why }) => why).join()
    }
    expect(await told()).toContain("(public.orgs.status) is 'trial' get 403")
    await client.query("alter table orgs drop constraint orgs_status_check; insert into orgs values (1, 'PAUSED')")
    expect(await told()).toContain("is 'PAUSED' get 403")
    await client.query("update orgs set status = 'active'")
    expect(await told()).toBe('')
  } finally {
    await client.end()
  }
})
