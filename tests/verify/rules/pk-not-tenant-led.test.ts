import { describe, expect, it } from 'vitest'
import { foldCauses } from '../../../src/verify/formats/fold-causes.ts'
import { rules } from '../../../src/verify/rules/list.ts'
import { HOLDING, withCase } from '../rule-case.ts'

describe('pk-not-tenant-led', () => {
  it('speaks of the schema', async () => {
    await withCase(
      [HOLDING, `alter table documents drop constraint documents_pkey, add primary key (id);`],
      async (verify) => {
        const report = await verify({ mode: 'static' })
        const found = report.findings.filter((finding) => finding.rule === 'pk-not-tenant-led')
        expect(found.map((finding) => finding.severity)).toEqual(['info'])
      },
    )
  })

  const found = async (sql: string) => {
    let findings: readonly { message: string; fix: string | undefined }[] = []
    await withCase([HOLDING, sql], async (verify) => {
      const report = await verify({ mode: 'static' })
      findings = report.findings.filter((finding) => finding.rule === 'pk-not-tenant-led')
    })
    return findings[0]
  }

  it('names the columns of the key, and puts the tenant before them', async () => {
    const people = `create table people (email text, tenant_id uuid not null references tenants, primary key (email, tenant_id));
      alter table people owner to {owner}; alter table people enable row level security, force row level security;
      create policy own on people using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
      grant select, insert on people to {app};`
    const finding = await found(people)
    expect(finding?.message).toContain('whether another tenant has a row with the same email.')
    expect(finding?.message).not.toContain('23505')
    expect(finding?.fix).toBe('-- In a new table: PRIMARY KEY (tenant_id, email).')
  })

  it('says that an INSERT tells it too, if the application may choose the key', async () => {
    const byId = 'alter table documents drop constraint documents_pkey, add primary key (id);'
    expect((await found(byId))?.message).toContain('So does an INSERT that chooses the value: it ends with 23505.')
    const fixed = `${byId} revoke insert on documents from {app}; grant insert (tenant_id, title) on documents to {app};`
    expect((await found(fixed))?.message).not.toContain('23505')
  })

  it('says so of an identity column too, which OVERRIDING SYSTEM VALUE overrides', async () => {
    const identity = `create table notes (id bigint generated always as identity primary key, tenant_id uuid not null references tenants);
      create index on notes (tenant_id); alter table notes owner to {owner}; alter table notes enable row level security, force row level security;
      create policy own on notes using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
      grant select, insert on notes to {app};`
    expect((await found(identity))?.message).toContain('So does an INSERT that chooses the value: it ends with 23505.')
  })

  it('says so for a group of tables, if it is true of one of them', async () => {
    const table = (
      name: string,
      grant: string,
    ) => `create table ${name} (id uuid primary key, tenant_id uuid not null references tenants);
      create index on ${name} (tenant_id); alter table ${name} owner to {owner}; alter table ${name} enable row level security, force row level security;
      create policy own on ${name} using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
      grant select, ${grant} on ${name} to {app};`
    const three = ['a', 'b'].map((name) => table(name, 'insert (tenant_id)')).join('') + table('c', 'insert')
    await withCase([HOLDING, three], async (verify) => {
      const { findings } = await verify({ mode: 'static' })
      const folded = foldCauses(findings, (id) => rules.find((rule) => rule.id === id)?.group)
      const message = folded.find((finding) => finding.rule === 'pk-not-tenant-led')?.message
      expect(message).toContain('2 more of this cause')
      expect(message).toContain('So does an INSERT that chooses the value: it ends with 23505.')
    })
  })

  it('is silent on a key that leads with the tenant', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const report = await verify({ mode: 'static' })
      expect(report.findings.filter((finding) => finding.rule === 'pk-not-tenant-led')).toEqual([])
    })
  })
})
