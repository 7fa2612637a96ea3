import { describe, expect, it } from 'vitest'
import { HOLDING, withCase } from '../rule-case.ts'

describe('lock-table', () => {
  it('speaks of the schema', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const report = await verify({ mode: 'static' })
      const found = report.findings.filter((finding) => finding.rule === 'lock-table')
      expect(found.map((finding) => finding.severity)).toEqual(['info'])
    })
  })

  it('speaks of rights, and says which code can and can not send a LOCK', async () => {
    await withCase([HOLDING, `select 1;`], async (verify) => {
      const [found] = (await verify({ mode: 'static' })).findings.filter(({ rule }) => rule === 'lock-table')
      expect(found?.message).toContain("The app's rights allow LOCK TABLE on 1 table")
      expect(found?.message).toContain("partywall's pool refuses the command LOCK, but other connections")
    })
  })

  it('counts tables without a tenant too, because all tenants wait for them', async () => {
    const plans = 'create table plans (id int primary key, name text); grant select, update on plans to {app};'
    await withCase([HOLDING, plans], async (verify) => {
      const [found] = (await verify({ mode: 'static' })).findings.filter(({ rule }) => rule === 'lock-table')
      expect(found?.message).toContain("The app's rights allow LOCK TABLE on 2 tables")
    })
  })

  it('leaves tables out on which only columns are granted, because LOCK TABLE needs the right on the table', async () => {
    await withCase([HOLDING, 'grant update (name) on tenants to {app};'], async (verify, run) => {
      const [found] = (await verify({ mode: 'static' })).findings.filter(({ rule }) => rule === 'lock-table')
      expect(found?.evidence).toEqual(['public.documents'])
      await expect(run('set role {app}; lock table tenants in access exclusive mode')).rejects.toMatchObject({
        code: '42501',
      })
      await run('rollback; reset role')
    })
  })

  it('is silent on an app that only reads and inserts', async () => {
    await withCase([HOLDING, `revoke update, delete on documents from {app};`], async (verify) => {
      const report = await verify({ mode: 'static' })
      expect(report.findings.filter((finding) => finding.rule === 'lock-table')).toEqual([])
    })
  })
})
