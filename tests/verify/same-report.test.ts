import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { documentDigest } from '../../src/verify/formats/document-digest.ts'
import { renderJson } from '../../src/verify/formats/json.ts'
import { makeDocument } from '../../src/verify/formats/make-document.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'

async function documentOf(database: TestDatabase, appRole: string) {
  const report = await verifyDatabase({ databaseUrl: database.adminUrl, appRole })
  return makeDocument({
    report: { ...report, examined: { ...report.examined, roles: report.examined.roles.filter(isOwn(appRole)) } },
    toolVersion: '1',
    target: 'database',
    failOn: 'medium',
    notes: [],
    gaps: [],
    origin: 'database',
  })
}

/** The report lists the roles of the server to which no policy applies. Other tests make such roles meanwhile. */
function isOwn(appRole: string): (role: { readonly name: string }) => boolean {
  return ({ name }) => name === appRole || name === 'postgres' || name.startsWith('pg_')
}

describe('a further run on an unchanged database', { timeout: 120_000 }, () => {
  it('has the same digest, although planted values, sequences and times differ', async () => {
    const app = `same_${randomBytes(4).toString('hex')}`
    const database = await createTestDatabase({ migrated: false })
    await database.admin(`create role ${app} login;
      create table tenants (id varchar(10) primary key, token uuid not null default gen_random_uuid());
      create table members (id int generated always as identity primary key, tenant_id varchar(10) not null references tenants, email text not null unique);
      create table strict (id int generated always as identity primary key, tenant_id varchar(10) not null references tenants, n int not null, at timestamptz not null default clock_timestamp());
      alter table members enable row level security;
      create policy own on members using (tenant_id = current_setting('app.tenant_id', true));
      alter table strict enable row level security;
      create policy own on strict using (tenant_id = current_setting('app.tenant_id', true) and n > 0);
      create function refuse() returns trigger language plpgsql as $$ begin raise 'no row % of % at %', new.n, new.tenant_id, clock_timestamp(); end $$;
      create trigger refuse before insert on strict for each row execute function refuse();
      alter table strict enable always trigger refuse;
      create function find(wanted text) returns setof members language sql security definer set search_path = public as $$ select * from members where email = wanted $$;
      create function rename(member int, wanted text) returns void language sql security definer set search_path = public as $$ update members set email = wanted where id = member $$;
      create function tell(member int) returns void language plpgsql security definer set search_path = public as $$ declare found members; begin select * into found from members where id = member; raise '%', found; end $$;
      grant select, insert, update, delete on members, strict to ${app}`)
    const first = await documentOf(database, app)
    const second = await documentOf(database, app)
    expect(first.run.mode).toBe('attack')
    expect(JSON.parse(renderJson(second))).toEqual(JSON.parse(renderJson(first)))
    expect(documentDigest(second)).toBe(documentDigest(first))
    expect(renderJson(first)).not.toMatch(/pw-?[0-9a-f]{6}|w-[0-9a-f]{6}-[ab]|\d{4}-\d\d-\d\d \d\d:/)
    const lines = first.singly.flatMap(({ evidence }) => evidence)
    expect(lines).toContain(
      `as ${app}, tenant A: find(email of tenant B's row in public.members) returned a row of tenant B`,
    )
    expect(lines.filter((line) => line.includes("rename(id of tenant B's row in public.members, "))).not.toEqual([])
    const reasons = first.tables.flatMap(({ reasons: said }) => Object.values(said))
    expect(
      reasons.filter((line) => line.includes('no row [planted value] of [planted value] at [planted value]')),
    ).not.toEqual([])
  })
})
