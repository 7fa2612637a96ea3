// verify run by the owner of the tables, who is no superuser and can't turn foreign keys off.
import { describe, expect, it } from 'vitest'
import type { VerifyReport } from '../../../src/verify/index.ts'
import { verifyDatabase } from '../../../src/verify/verify-database.ts'
import { HOLDING, openCase } from '../rule-case.ts'

const TENANT = `(select nullif(current_setting('app.tenant_id', true), '')::uuid)`

const table = (name: string, columns: string, check = `tenant_id = ${TENANT}`) => `
  create table ${name} (${columns}, tenant_id uuid not null references tenants (id)); alter table ${name} owner to {owner};
  create index on ${name} (tenant_id);
  alter table ${name} enable row level security, force row level security;
  create policy own on ${name} using (tenant_id = ${TENANT}) with check (${check});
  grant select, insert, update, delete on ${name} to {app};`

async function asOwner(sql: string, judge: (report: VerifyReport) => void): Promise<void> {
  const schema = await openCase([HOLDING, sql])
  try {
    await schema.run(`grant {app} to {owner}; alter role {owner} login password 'of the test'`)
    const url = new URL(schema.url)
    url.username = schema.role('owner')
    url.password = encodeURIComponent('of the test')
    judge(await verifyDatabase({ databaseUrl: url.href, mode: 'attack', appRole: schema.role('app') }))
  } finally {
    await schema.close()
  }
}

const verbsOf = ({ tables }: VerifyReport, object: string) => tables.find((each) => each.object === object)?.verbs
const ALL_PROVED = { select: 'proved', insert: 'proved', update: 'proved', delete: 'proved' }

describe('the owner of the tables proves', () => {
  for (const [what, columns] of [
    ['a key by default', 'id uuid primary key default gen_random_uuid()'],
    ['a key without default', 'id uuid primary key'],
    ['an identity', 'id int generated always as identity primary key'],
    ['a unique name', 'id uuid primary key, email text not null unique'],
    [
      'a reference to another table of the tenant',
      'id uuid primary key, document uuid not null, foreign key (tenant_id, document) references documents (tenant_id, id)',
    ],
    ['a value that a constraint tests', `id uuid primary key, state text not null check (state in ('open', 'done'))`],
  ] as const)
    it(`every verb of a table with ${what}`, () =>
      asOwner(table('rows_of', columns), (report) => {
        expect(verbsOf(report, 'public.rows_of'), JSON.stringify(report.tables)).toEqual(ALL_PROVED)
      }))

  it('that a policy lets a tenant insert rows of another', () =>
    asOwner(table('rows_of', 'id uuid primary key', 'true'), (report) => {
      expect(verbsOf(report, 'public.rows_of')).toMatchObject({ select: 'proved', insert: 'leaks' })
      expect(report.findings.flatMap(({ evidence }) => evidence).join('\n')).toContain(
        'tenant A: INSERT stored a row of tenant B',
      )
    }))
})
