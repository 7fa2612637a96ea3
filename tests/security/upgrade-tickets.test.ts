// An upgrade to tickets, and the way back, while processes of the release before and of this one serve: no refusal and no foreign row.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  changeSealPolicies,
  migrateToReleaseBefore,
  openPoolOfReleaseBefore,
  sealPoliciesOf,
} from '../../leak-hunt/release-before.ts'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { migrate } from '../../src/migrate/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

const A = '00000000-0000-4000-8000-00000000000a'
const B = '00000000-0000-4000-8000-00000000000b'
/** A database as the release before left it: without the migration of the tickets, with that release's policies. */
async function databaseOfBefore(database: TestDatabase): Promise<void> {
  const client = new pg.Client({ connectionString: database.adminUrl })
  await client.connect()
  await migrateToReleaseBefore(client, database.sealSecret)
  const own = "tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
  await client.query(`
    create table notes (tenant_id uuid not null, n serial, text text not null, primary key (tenant_id, n));
    alter table notes enable row level security, force row level security;
    create policy tenant_isolation_policy on notes using (${own}) with check (${own});
    ${sealPoliciesOf('before', 'notes')};
    grant select, insert, update on notes to tenant_user, tenant_admin;
    grant usage on sequence notes_n_seq to tenant_user, tenant_admin;
    insert into notes (tenant_id, text) values ('${A}', 'of A'), ('${B}', 'of B')`)
  await client.end()
}

describe('processes of two releases on one database', () => {
  let database: TestDatabase
  const options = () => ({
    connectionString: database.appUrl,
    max: 2,
    seal: { secret: database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    logger: silentLogger,
  })
  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false })
    await databaseOfBefore(database)
  })

  it('answer every statement, each tenant with its own rows, through migration, new policies and the way back', async () => {
    const pools = [openPoolOfReleaseBefore(options()), createTenantPool(options())]
    let serving = true
    let served = 0
    const wrong: unknown[] = []
    const caller = async (place: number, tenant: string) => {
      while (serving) {
        const pool = pools[place % pools.length]
        place++
        try {
          const rows = await runWithTenant({ tenantId: tenant, userId: 'u' }, async () => {
            await pool?.query('update notes set text = text')
            return (await pool?.query('select distinct text from notes'))?.rows
          })
          const expected = [{ text: tenant === A ? 'of A' : 'of B' }]
          if (JSON.stringify(rows) !== JSON.stringify(expected)) wrong.push(rows)
        } catch (error) {
          wrong.push(error)
        }
        served++
      }
    }
    const callers = [0, 1, 2, 3].map((place) => caller(place, place % 2 === 0 ? A : B))
    const moreOf = async (count: number) => {
      const goal = served + count
      await expect.poll(() => served >= goal || wrong.length > 0, { timeout: 20_000 }).toBe(true)
    }
    const known = async () =>
      (await database.admin("select count(*)::int as n from partywall.tickets where not_after < 'infinity'")).rows[0]?.n

    await moreOf(40)
    await migrate({ databaseUrl: database.adminUrl, sealSecret: database.sealSecret })
    await moreOf(40)
    // A process that starts now makes seals with tickets, on policies that do not ask for them yet.
    pools.push(createTenantPool(options()))
    await moreOf(40)
    await expect.poll(known, { timeout: 10_000 }).toBe(2)
    await changeSealPolicies(database.admin, 'this', 'notes')
    await moreOf(60)
    await changeSealPolicies(database.admin, 'before', 'notes')
    await moreOf(60)
    // The other order: new policies once more, now with every kind of process at work from the start.
    await changeSealPolicies(database.admin, 'this', 'notes')
    await moreOf(60)
    serving = false
    await Promise.all(callers)
    expect(wrong).toEqual([])
    await Promise.all(pools.map((pool) => pool.end()))
  })

  it('start before the migration, with a warning', async () => {
    const old = await createTestDatabase({ migrated: false })
    await databaseOfBefore(old)
    const pool = createTenantPool({ ...options(), connectionString: old.appUrl, seal: { secret: old.sealSecret } })
    const findings = await pool.checkDatabase()
    expect(findings.filter(({ id }) => id === 'migration-pending')).toMatchObject([
      { severity: 'warning', object: '0016_tickets.sql' },
      { severity: 'warning', object: '0017_cheaper_events.sql' },
      { severity: 'warning', object: '0018_schemas.sql' },
      { severity: 'warning', object: '0019_revocations.sql' },
      { severity: 'warning', object: '0020_tickets_of_many_tenants.sql' },
      { severity: 'warning', object: '0021_ended_moves.sql' },
      { severity: 'warning', object: '0022_passing_roles.sql' },
    ])
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
    await pool.end()
  })
})
