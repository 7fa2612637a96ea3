// A table whose tenant can't be told stays open. init names it, and the statement with which the next run protects it.
import { expect, it } from 'vitest'
import { planOn } from '../../cli/protect/protect-plan.ts'
import { leftUnprotected } from '../../src/init/plan/left-unprotected.ts'
import { withProtectCase } from '../protect/protect-case.ts'

const SCHEMA = `create table tenants (id uuid primary key);
  create table hooks (id uuid primary key, tenant_id uuid not null references tenants);
  create table deliveries (id int primary key, "hookId" uuid references hooks);
  grant select on all tables in schema public to {app}`

it('names the NOT NULL that is missing, and nothing once it is there', async () => {
  await withProtectCase(SCHEMA, async (given) => {
    const db = {
      query: async (text: string, values?: readonly unknown[]) =>
        given.admin.query(text, values === undefined ? undefined : [...values]),
    }
    const open = async () => {
      const { plan, tenancy } = await planOn(db, { appRole: given.appRole, seal: false })
      return leftUnprotected(plan, tenancy)
    }
    const [before] = await open()
    expect(before?.path).toBe('public.deliveries')
    const [advice, statement = ''] = before?.lines ?? []
    expect(advice).toContain('then partywall init --undo, and init again')
    expect(statement).toBe('ALTER TABLE public.deliveries ALTER COLUMN "hookId" SET NOT NULL;')
    await given.admin.query(statement)
    expect(await open()).toEqual([])
  })
})
