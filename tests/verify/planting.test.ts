import { describe, expect, it } from 'vitest'
import { withCase } from './rule-case.ts'

const KEYS: Readonly<Record<string, { readonly make?: string; readonly type: string; readonly check?: string }>> = {
  'two letters': { type: 'char(2)' },
  'five letters': { type: 'varchar(5)' },
  'small numbers': { type: 'smallint' },
  'numbers of four digits': { type: 'numeric(4)' },
  'the labels of an enum': { make: `create type brand as enum ('north', 'south', 'west');`, type: 'brand' },
  'a domain of capitals': { make: `create domain code as varchar(8) check (value ~ '^[A-Z]{3,8}$');`, type: 'code' },
  'a form that a CHECK asks for': { type: 'text', check: `check (code ~ '^shp_[a-z0-9]{8}$' and length(code) = 12)` },
  'a list that a CHECK names': { type: 'text', check: `check (code in ('eu', 'us', 'apac'))` },
  'a range that a CHECK names': { type: 'int', check: `check (code between 1 and 99)` },
}

describe('planting two tenants', () => {
  for (const [name, { make = '', type, check = '' }] of Object.entries(KEYS)) {
    it(`finds two ids where tenants are named by ${name}`, async () => {
      const own = `nullif(current_setting('shop.code', true), '')::${type}`
      const schema = `${make} create table shops (code ${type} primary key ${check}, title text not null);
        create table items (id bigint generated always as identity primary key, shop ${type} not null references shops, sku text not null);
        alter table shops owner to {owner}; alter table items owner to {owner}; create index on items (shop);
        alter table shops enable row level security, force row level security;
        create policy own on shops for select using (code = ${own});
        create policy own on items using (shop = ${own});
        grant select on shops to {app}; grant select, insert, update, delete on items to {app};`
      await withCase([schema], async (verify, run) => {
        const open = await verify()
        expect(open.summary.counts.tablesPlanted).toBe(2)
        const leak = open.findings.find((finding) => finding.rule === 'rls-disabled')
        expect(leak).toMatchObject({ object: 'public.items', proof: 'exploited' })
        await run('alter table items enable row level security, force row level security')
        const closed = await verify()
        expect(closed.findings.filter((finding) => !['info', 'low'].includes(finding.severity))).toEqual([])
        expect(closed.summary.counts.verdicts).toMatchObject({ unreliable: 0, leaks: 0, unproved: 0 })
      })
    })
  }

  it('fills types of extensions, in whatever schema they stand', async () => {
    const schema = `create schema tools; create extension citext schema tools; create extension ltree schema tools; create extension hstore schema tools;
      create table tenants (id uuid primary key, slug tools.citext not null unique);
      create table items (id int primary key, tenant_id uuid not null references tenants, label tools.citext not null, place tools.ltree not null, more tools.hstore not null);
      grant select on items to {app};`
    await withCase([schema], async (verify) => {
      expect((await verify()).summary.counts.tablesPlanted).toBe(2)
    })
  })

  it('fills ranges, arrays, composites, lists of keys and patterns that constraints ask for', async () => {
    const schema = `create type address as (street text, zip varchar(10));
      create domain email as text check (value ~ '^[^@]+@[^@]+$');
      create table tenants (id uuid primary key default gen_random_uuid(), name text not null);
      create table bookings (tenant_id uuid not null references tenants, id int generated always as identity, during tstzrange not null check (not isempty(during)),
        days datemultirange not null check (not isempty(days)), home address not null, mails email[] not null check (cardinality(mails) > 0), code text not null check (code ~ '^[A-Z]{2}-\\d{4}$'),
        meta jsonb not null check (jsonb_typeof(meta) = 'object' and meta ? 'kind' and meta ? 'size'), url text not null check (url like 'https://%'), month int not null check (month between 1 and 12), primary key (tenant_id, id));
      alter table tenants owner to {owner}; alter table bookings owner to {owner};
      alter table tenants enable row level security, force row level security;
      create policy own on tenants for select using (id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      create policy own on bookings using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      grant select on tenants to {app}; grant select, insert, update, delete on bookings to {app};`
    await withCase([schema], async (verify) => {
      const report = await verify()
      expect(report.summary.counts.tablesPlanted).toBe(2)
      expect(report.findings.find((finding) => finding.rule === 'rls-disabled')?.proof).toBe('exploited')
    })
  })
})

describe('writing across tenants', () => {
  it('does not take the rows of heirs for rows that were moved', async () => {
    const tenant = `nullif(current_setting('app.tenant_id', true), '')::uuid`
    const schema = `create table tenants (id uuid primary key default gen_random_uuid(), name text not null);
      create table assets (id uuid not null default gen_random_uuid(), tenant_id uuid not null references tenants, name text not null, primary key (tenant_id, id));
      create table vehicles (plate text, primary key (tenant_id, id)) inherits (assets);
      do $$ declare t text; begin foreach t in array array['tenants','assets','vehicles'] loop execute format('alter table %I owner to {owner}', t); execute format('alter table %I enable row level security', t); execute format('alter table %I force row level security', t); end loop; end $$;
      create policy own on tenants for select using (id = ${tenant}); create policy own on assets using (tenant_id = ${tenant}); create policy own on vehicles using (tenant_id = ${tenant});
      grant select on tenants to {app}; grant select, insert, update, delete on assets, vehicles to {app};`
    await withCase([schema], async (verify, run) => {
      const held = await verify()
      expect(held.findings.filter((finding) => !['info', 'low'].includes(finding.severity))).toEqual([])
      await run(
        `drop policy own on assets; create policy own on assets using (tenant_id = ${tenant}) with check (true)`,
      )
      const moved = await verify()
      expect(moved.findings.find((finding) => finding.rule === 'policy-check-lax')?.proof).toBe('exploited')
    })
  })
})
