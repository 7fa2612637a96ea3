import { describe, expect, it } from 'vitest'
import { apply, type ProtectCase, withProtectCase } from './protect-case.ts'
import { A, B } from './schemas.ts'

const SCHEMA = `
  create type state as enum ('open', 'it''s closed');
  create table tenants (id uuid primary key, name text not null);
  create table orders (
    id uuid not null default gen_random_uuid(), tenant_id uuid not null references tenants (id), state state not null, at timestamptz not null default now(),
    amount numeric(12, 2), weight numeric, email text, attrs jsonb not null default '{}', primary key (tenant_id, id));
  create index by_state on orders (tenant_id, state, at);
  create index by_email on orders (tenant_id, lower(email));
  create index by_amount on orders (tenant_id, amount);
  create index by_weight on orders (tenant_id, weight);
  create index by_code on orders (tenant_id, (attrs ->> 'code'));
  create index by_attrs on orders using gin (attrs);
  insert into tenants values ('${A}', 'a'), ('${B}', 'b');
  insert into orders (tenant_id, state, amount, weight, email, attrs)
    select t.id, 'open', n, n + 0.001, 'User' || n || '@example.com', jsonb_build_object('code', 'c' || n) from tenants t, generate_series(1, 3000) n;
  insert into orders (tenant_id, state, amount) select id, 'it''s closed', 'NaN' from tenants;
  grant select, insert, update, delete on orders to {app}; grant select on tenants to {app};`

/** The plan of a query under the policies of tenant A. */
async function planOf({ as }: ProtectCase, condition: string): Promise<string> {
  return as(A, async (client) => {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain (costs off) select id from orders where ${condition}`,
    )
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  })
}

describe('partywall protect --indexes', () => {
  it('writes indexes that are used below the policies, twice, and takes them back', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      const before = await given.fingerprint()
      const plan = await given.plan({ indexes: true })
      await apply(given.owner, plan, 'up')
      const after = await given.fingerprint()
      expect((await given.plan({ indexes: true })).changes).toEqual([])
      await given.admin.query('analyze orders')
      for (const [condition, index] of [
        [`state = 'it''s closed'`, `orders_state_it's closed_idx`],
        [`email_lower = 'user7@example.com'`, 'orders_email_lower_idx'],
        [`amount = 7 and amount_x100 = (7::numeric * 100)::bigint`, 'orders_amount_x100_idx'],
        [`weight = 7.001 and weight_float8 = 7.001::float8`, 'orders_weight_float8_idx'],
        [`attrs_code = 'c7'`, 'orders_attrs_code_idx'],
      ] as const)
        expect(await planOf(given, condition), condition).toContain(index)
      // The same conditions on the blind keys.
      for (const condition of [`lower(email) = 'user7@example.com'`, 'amount = 7', `attrs ->> 'code' = 'c7'`])
        expect(await planOf(given, condition), condition).toMatch(/Filter: \(+(lower|amount|attrs)/)
      await apply(given.owner, plan, 'up')
      expect(await given.fingerprint()).toBe(after)
      await apply(given.owner, plan, 'down')
      expect(await given.fingerprint()).toBe(before)
    })
  })

  it('leaves the search in jsonb to a person', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      const { decisions } = await given.plan({ indexes: true })
      const [own, ...others] = decisions.filter(({ object }) => object === 'public.orders (indexes)')
      expect(others).toEqual([])
      expect(own?.reason).toContain('by_attrs (attrs): a search function')
      expect(own?.reason).not.toContain('by_email')
      expect(own?.sql).toBeUndefined()
    })
  })

  it('names all of it under TO DECIDE without the flag, and changes nothing for it', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      const plan = await given.plan()
      const own = plan.decisions.find(({ object }) => object === 'public.orders (indexes)')
      for (const name of ['by_state (state)', 'by_email (lower(email))', 'by_amount (amount)', 'by_attrs (attrs)'])
        expect(own?.reason).toContain(name)
      expect(own?.sql).toContain('ADD COLUMN IF NOT EXISTS email_lower text GENERATED ALWAYS AS (lower(email)) STORED')
      expect(own?.sql).toContain(`WHERE state = 'open'`)
      expect(plan.changes.flatMap(({ up }) => up).join('\n')).not.toContain('email_lower')
    })
  })

  it('says nothing about a table that is known to be small', async () => {
    await withProtectCase(SCHEMA, async (given) => {
      await given.admin.query('analyze orders')
      expect((await given.plan()).decisions.filter(({ object }) => object.endsWith('(indexes)'))).toEqual([])
    })
  })
})
