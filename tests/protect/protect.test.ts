import { describe, expect, it } from 'vitest'
import { apply, withProtectCase } from './protect-case.ts'
import { A, B, BIGINT_SCHEMA, TEXT_SCHEMA, UUID_SCHEMA } from './schemas.ts'

describe('partywall protect', () => {
  it('makes an unprotected uuid schema with child tables hold, applied by an owner that is no superuser', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const before = await given.fingerprint()
      const plan = await given.plan()
      await apply(given.owner, plan, 'up')
      const after = await given.fingerprint()
      expect((await given.plan()).changes).toEqual([])
      expect(await given.problems()).toEqual([])
      await given.as(A, async (client) => {
        const { rows } = await client.query(
          'select count(*)::int as n, count(distinct tenant_id)::int as tenants from tasks',
        )
        expect(rows[0]).toEqual({ n: 300, tenants: 1 })
        const { rows: tasks } = await client.query(
          `insert into tasks (project_id, title) select id, 'new' from projects limit 1 returning id, tenant_id`,
        )
        expect(tasks[0]?.tenant_id).toBe(A)
        await client.query(`insert into comments (task_id, body) values ($1, 'hello')`, [tasks[0]?.id])
        expect((await client.query(`update comments set body = 'x' where body = 'hello'`)).rowCount).toBe(1)
        expect((await client.query(`delete from comments where body = 'x'`)).rowCount).toBe(1)
      })
      await expect(
        given.as(A, (client) => client.query(`insert into projects (tenant_id, name) values ('${B}', 'x')`)),
      ).rejects.toMatchObject({ code: '42501' })
      // Up twice, then down and up again.
      await apply(given.owner, plan, 'up')
      expect(await given.fingerprint()).toBe(after)
      await apply(given.owner, plan, 'down')
      expect(await given.fingerprint()).toBe(before)
      await apply(given.owner, plan, 'up')
      expect(await given.fingerprint()).toBe(after)
    })
  })

  it('makes a schema of its own with bigint tenants, quoted names and partitions hold', async () => {
    await withProtectCase(BIGINT_SCHEMA, async (given) => {
      const before = await given.fingerprint()
      const plan = await given.plan()
      await apply(given.owner, plan, 'up')
      expect((await given.plan()).changes).toEqual([])
      // The number that is unique over all tenants is left to a person.
      expect(plan.decisions.map((decision) => decision.sql).join()).toContain('UNIQUE (org_id, number)')
      expect((await given.problems()).filter((problem) => !problem.includes('unique-not-tenant-scoped'))).toEqual([])
      await given.as('2', async (client) => {
        const { rows } = await client.query(`insert into "Shop"."Order" (number) values ('n3') returning id, org_id`)
        expect(rows[0]?.org_id).toBe('2')
        await client.query(`insert into "Shop".order_lines ("order id", total) values ($1, 5)`, [rows[0]?.id])
        expect((await client.query('select * from "Shop".order_lines')).rowCount).toBe(2)
        await client.query(`insert into "Shop".events (at) values ('2026-03-01')`)
        expect((await client.query('select * from "Shop".events_2026')).rowCount).toBe(1)
      })
      await given.as('1', async (client) => {
        expect((await client.query('select * from "Shop".events_2026')).rowCount).toBe(0)
        expect((await client.query('delete from "Shop".events')).rowCount).toBe(0)
      })
      await apply(given.owner, plan, 'down')
      expect(await given.fingerprint()).toBe(before)
    })
  })

  it('casts the context to text types without cutting it off, and bounds a wide policy', async () => {
    await withProtectCase(TEXT_SCHEMA, async (given) => {
      const plan = await given.plan({ tenantColumn: ['workspace'], schema: ['public'] })
      await apply(given.owner, plan, 'up')
      expect((await given.plan({ tenantColumn: ['workspace'], schema: ['public'] })).changes).toEqual([])
      const { rows } = await given.admin.query(
        `select polname as name, polpermissive as permissive from pg_policy where polrelid = 'tags'::regclass order by 1`,
      )
      expect(rows).toEqual([
        { name: 'everybody', permissive: true },
        { name: 'tenant_isolation_policy', permissive: false },
        { name: 'tenant_owner_policy', permissive: true },
      ])
      expect(await given.problems({ tenantColumns: ['workspace'], schemas: ['public'] })).toEqual([])
      await given.as('g'.repeat(40), async (client) => {
        for (const table of ['notes (body)', 'tags (name)', 'labels (name)', 'badges (name)'])
          await client.query(`insert into ${table} values ('mine')`)
      })
      // A cast to varchar(40) would cut it off, and make the other tenant of it.
      await given.as(`${'g'.repeat(40)}-2`, async (client) => {
        for (const table of ['notes', 'tags', 'labels', 'badges'])
          expect((await client.query(`select from ${table}`)).rowCount).toBe(0)
      })
    })
  })
})
