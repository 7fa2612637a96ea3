import { describe, expect, it } from 'vitest'
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

  it('is silent on a key that leads with the tenant', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const report = await verify({ mode: 'static' })
      expect(report.findings.filter((finding) => finding.rule === 'pk-not-tenant-led')).toEqual([])
    })
  })
})
