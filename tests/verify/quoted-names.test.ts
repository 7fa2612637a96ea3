import { expect, it } from 'vitest'
import { HOLDING, openCase } from './rule-case.ts'

const CONTEXT = `(select nullif(current_setting('app.tenant_id', true), '')::uuid)`
const OPEN = `
  create table "we ird outbox" (id bigint generated always as identity primary key, payload jsonb not null);
  create function log_document() returns trigger language plpgsql as $$ begin insert into public."we ird outbox" (payload) values (to_jsonb(new)); return new; end $$;
  create trigger log after insert on documents for each row execute function log_document();
  create table "we ird_backup" as select * from documents;
  create table "we ird parent" (body text);
  create table child (tenant_id uuid not null references tenants (id)) inherits ("we ird parent");
  alter table child enable row level security, force row level security; create policy own on child using (tenant_id = ${CONTEXT});
  create table files (id uuid primary key, tenant_id uuid not null references tenants, unique (tenant_id, id));
  create table "we ird shares" (file_id uuid not null references files, shared_with uuid not null references tenants, primary key (file_id, shared_with));
  alter table files enable row level security, force row level security; alter table "we ird shares" enable row level security, force row level security;
  create policy own on files using (tenant_id = ${CONTEXT});
  create policy shared on files for select using (exists (select 1 from "we ird shares" s where s.file_id = files.id and s.shared_with = ${CONTEXT}));
  create policy own on "we ird shares" using (shared_with = ${CONTEXT});
  grant select on "we ird outbox", "we ird_backup" to {app};
  grant select on "we ird parent" to public;
  grant select on files to {app};
  grant select, insert, delete on "we ird shares" to {app};`
const RULES = [
  'inheritance-child-exposed',
  'policy-trusts-unprotected-table',
  'shadow-copy-exposed',
  'untenanted-payload',
]

it('gives fixes that can be run where tables and the role have names that need quotes', async () => {
  const opened = await openCase([HOLDING, OPEN])
  const app = opened.role('app')
  await opened.run(`alter role ${app} rename to "we ""ird ${app}"`)
  try {
    const look = async () => {
      const { findings } = await opened.verify({ mode: 'static', appRole: `we "ird ${app}` })
      return findings.filter(({ rule, severity }) => RULES.includes(rule) && severity !== 'info')
    }
    const found = await look()
    expect([...new Set(found.map(({ rule }) => rule))].sort()).toEqual(RULES)
    for (const { fix } of found) for (const _ of ['once', 'again']) await opened.run(fix)
    expect((await look()).map(({ key }) => key)).toEqual([])
  } finally {
    await opened.run(`alter role "we ""ird ${app}" rename to ${app}`)
    await opened.close()
  }
})

for (const [grantee, grant] of Object.entries({ PUBLIC: 'public', 'another role': '{readers}' }))
  it(`gives fixes that take away what the app has through ${grantee}`, async () => {
    const granted = OPEN.replaceAll(/to (\{app\}|public);/g, `to ${grant};`)
    const opened = await openCase([HOLDING, 'grant {readers} to {app};', granted])
    try {
      const look = async () => {
        const { findings } = await opened.verify({ mode: 'static' })
        return findings.filter(({ rule, severity }) => RULES.includes(rule) && severity !== 'info')
      }
      const found = await look()
      expect([...new Set(found.map(({ rule }) => rule))].sort()).toEqual(RULES)
      for (const { fix } of found) await opened.run(fix)
      expect((await look()).map(({ key }) => key)).toEqual([])
    } finally {
      await opened.close()
    }
  })
