// The audit's statement is prepared inside transactions, where a tenant's SQL may have changed settings. One plan then serves all tenants
// of the connection: what a tenant sets must not change the events of others.
import { beforeAll, describe, expect, it } from 'vitest'
import { TenantAuditLogger } from '../../src/audit/index.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
beforeAll(async () => {
  two = await createTwoTenants()
})

async function auditAfter(pool: TenantPool, tenant: TwoTenants['a'], action: string, before: string): Promise<void> {
  const audit = new TenantAuditLogger({ pool, logger: silentLogger })
  await two.as(tenant, () =>
    pool.transaction(async (transaction) => {
      await transaction.query(before)
      await audit.log({ action, resource: 'documents', details: { day: '01/02/2026' } }, { client: transaction })
    }),
  )
}

async function eventsOf(action: string) {
  const { rows } = await two.database.admin(
    'select tenant_id, resource, details from partywall.audit_events where action = $1 order by occurred_at',
    [action],
  )
  return rows
}

const HARMLESS = 'select 1'
const details = { day: '01/02/2026' }

describe('the plan of an event', () => {
  it.each([
    ['search_path', "select set_config('search_path', 'pg_temp, nowhere', true)"],
    ['DateStyle', "select set_config('DateStyle', 'German', true)"],
    ['plan_cache_mode', "select set_config('plan_cache_mode', 'force_generic_plan', true)"],
    [
      'planner settings',
      "select set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'off', true)",
    ],
    ['bytea_output', "select set_config('bytea_output', 'escape', true)"],
    ['the role', "select set_config('role', 'tenant_admin', true)"],
    ['the tenant', "select set_config('app.current_tenant_id', '00000000-0000-4000-8000-000000000000', true)"],
  ])('is that of all tenants, whatever one of them set before: %s', async (name, before) => {
    const pool = two.pool({ max: 1 })
    const action = `plan of ${name}`
    await auditAfter(pool, two.a, action, before)
    await auditAfter(pool, two.b, action, HARMLESS)
    await auditAfter(pool, two.a, action, HARMLESS)
    await pool.close()
    expect(await eventsOf(action)).toEqual([
      { tenant_id: two.a.id, resource: 'documents', details },
      { tenant_id: two.b.id, resource: 'documents', details },
      { tenant_id: two.a.id, resource: 'documents', details },
    ])
  })

  it('is made once per connection, in the first transaction that writes an event', async () => {
    const pool = two.pool({ max: 1 })
    await auditAfter(pool, two.a, 'made once', HARMLESS)
    await auditAfter(pool, two.b, 'made once', HARMLESS)
    const { rows } = await two.as(two.a, () =>
      pool.query(
        "select generic_plans + custom_plans as used from pg_prepared_statements where statement ^@ 'insert into partywall.audit_events'",
      ),
    )
    await pool.close()
    expect(rows).toEqual([{ used: '2' }])
  })

  it('survives a change of the table, also inside a transaction', async () => {
    const pool = two.pool({ max: 1 })
    await auditAfter(pool, two.a, 'changed', HARMLESS)
    await two.database.admin('alter table partywall.audit_events add column extra text')
    await auditAfter(pool, two.b, 'changed', HARMLESS)
    await two.database.admin('alter table partywall.audit_events drop column extra')
    await auditAfter(pool, two.a, 'changed', HARMLESS)
    await pool.close()
    expect(await eventsOf('changed')).toHaveLength(3)
  })
})

describe('one constraint for all sizes', () => {
  it.each([
    ['action', ''],
    ['action', 'x'.repeat(129)],
    ['resource', 'x'.repeat(257)],
    ['resource_id', 'x'.repeat(257)],
    ['outcome', 'perhaps'],
    ['actor_type', 'x'.repeat(33)],
    ['actor_reason', 'x'.repeat(513)],
    ['request_id', 'x'.repeat(129)],
    ['ip', 'x'.repeat(65)],
    ['user_agent', 'x'.repeat(513)],
    ['private_commitment', '\\x00'],
  ])('refuses injected %s', async (column, value) => {
    const pool = two.pool({ max: 1 })
    const columns = column === 'action' ? 'action' : `action, ${column}`
    const values = column === 'action' ? '$1' : `'an action', $1`
    const insert = `insert into partywall.audit_events (${columns}) values (${values})`
    await expect(two.as(two.a, () => pool.query(insert, [value]))).rejects.toMatchObject({
      code: '23514',
      constraint: 'audit_events_fits',
    })
    await pool.close()
  })

  it('holds also where a schema of the search_path has functions and operators of the same names', async () => {
    await two.database.admin(`create schema shadow; grant usage on schema shadow to public;
      create function shadow.length(text) returns integer language sql immutable as 'select 0';
      create function shadow.smaller(integer, integer) returns boolean language sql immutable as 'select true';
      create operator shadow.<= (leftarg = integer, rightarg = integer, function = shadow.smaller)`)
    const pool = two.pool({ max: 1, searchPath: ['shadow', 'public'] })
    const insert = "insert into partywall.audit_events (action, resource) values ('shadow', repeat('x', 300))"
    await expect(
      two.as(two.a, () =>
        pool.transaction(async (transaction) => {
          await transaction.query("select set_config('search_path', 'shadow, pg_catalog', true)")
          await transaction.query(insert)
        }),
      ),
    ).rejects.toMatchObject({ code: '23514' })
    await pool.close()
  })
})
