// Functions that only the application may call outside of any tenant (system events, alerts of any stream) require the seal of an empty
// context: a statement that takes its tenant's seal away is still a tenant's.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant } from '../../src/context/run-with-tenant.ts'
import { type SealBinding, SealMaker } from '../../src/seal/seal.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

const SYSTEM = "partywall.audit_system('forged', null, null, 'success', '{}', null, null, null)"
const ALERT = (stream: string) =>
  `partywall.alert_outbox_add(array['mail'], '${stream}', 'key', 'AUDIT_TAMPERED', '{}', 1, now(), now(), 1000)`

describe('the seal of an empty context', () => {
  let two: TwoTenants
  beforeAll(async () => {
    two = await createTwoTenants()
  })

  async function written(): Promise<unknown> {
    const { rows } = await two.database.admin(
      "select (select count(*)::int from partywall.audit_events where action = 'forged') as events, (select count(*)::int from partywall.alerts) as alerts",
    )
    return rows[0]
  }

  const tricks: [string, string][] = [
    ['does nothing else', 'select'],
    ['takes the seal away', "select set_config('app.tenant_seal', '', true),"],
    [
      'takes seal and tenant away',
      "select set_config('app.tenant_seal', '', true), set_config('app.current_tenant_id', '', true),",
    ],
    [
      'makes up the seal of an empty context',
      "select set_config('app.tenant_seal', repeat('0', 64) || 'e1--------00000000p9999999999', true),",
    ],
    [
      'bends its own seal into one',
      "select set_config('app.tenant_seal', overlay(current_setting('app.tenant_seal') placing 'e1--------' from 65), true),",
    ],
  ]
  it.each(tricks)('is not had by injected SQL that %s', async (_what, trick) => {
    const pool = two.pool()
    try {
      for (const call of [SYSTEM, ALERT(''), ALERT(two.b.id)]) {
        await expect(two.as(two.a, () => pool.query(`${trick} ${call}`))).rejects.toMatchObject({ code: '42501' })
      }
      expect(await written()).toEqual({ events: 0, alerts: 0 })
    } finally {
      await pool.end()
    }
  })

  it('holds on its connection, in its database and in its time alone', async () => {
    const client = new pg.Client({ connectionString: two.database.appUrl })
    await client.connect()
    try {
      await client.query('set role tenant_user')
      const { rows } = await client.query('select pg_backend_pid() as pid')
      const here = { database: two.database.name, backendPid: Number(rows[0].pid) }
      const now = Math.floor(Date.now() / 1000)
      const call = async (place: SealBinding, notAfter: number, secret = two.database.sealSecret) => {
        const seal = new SealMaker(secret).sealEmpty(place, notAfter)
        await client.query("select set_config('app.tenant_seal', $1, false)", [seal])
        return client.query(`select ${SYSTEM}`)
      }
      const wrong: [SealBinding, number, string?][] = [
        [{ ...here, backendPid: here.backendPid + 1 }, now + 60],
        [{ ...here, database: 'postgres' }, now + 60],
        [here, now - 60],
        [here, now + 60, 'another-secret-of-at-least-thirty-two-characters'],
      ]
      for (const each of wrong) await expect(call(...each)).rejects.toMatchObject({ code: '42501' })
      expect(await written()).toMatchObject({ events: 0 })
      await call(here, now + 60)
      expect(await written()).toMatchObject({ events: 1 })
    } finally {
      await client.end()
    }
  })

  it('lets the application write outside all tenants, and shows no tenant’s rows', async () => {
    const pool = two.pool()
    try {
      await runWithoutTenant(async () => {
        await pool.query(`select ${SYSTEM}, ${ALERT(two.b.id)}`)
        const { rows } = await pool.query(
          "select partywall.tenant_id() as tenant, partywall.role_at_least('tenant_user') as level, (select count(*)::int from documents) as seen",
        )
        expect(rows).toEqual([{ tenant: null, level: false, seen: 0 }])
        await expect(pool.query("insert into partywall.audit_events (action) values ('forged')")).rejects.toMatchObject(
          { code: '42501' },
        )
        await expect(pool.query('select partywall.is_empty_context()')).rejects.toMatchObject({ code: '42501' })
      })
      expect(await written()).toEqual({ events: 2, alerts: 1 })
    } finally {
      await pool.end()
    }
  })
})
