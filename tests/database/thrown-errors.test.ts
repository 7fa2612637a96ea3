// The page's second table against what is really thrown: the fix that the page names stands in the error's own message.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { migrate } from '../../src/migrate/migrate.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const [, second = ''] = page.split('## The codes with several causes')
const rows = second.split('\n').filter((line) => line.startsWith('| `PARTYWALL_'))

describe('the fix in docs/errors.md', () => {
  let two: TwoTenants
  let pool: TenantPool
  beforeAll(async () => {
    two = await createTwoTenants()
    pool = two.pool({ perTenantWaitMs: 300, maxResultBytes: 1_024 })
    pool.on('error', () => {})
  })
  afterAll(() => pool.close({ timeoutMs: 1_000 }))

  const asA = (work: () => Promise<unknown>) => two.as(two.a, work)
  const cases: Record<string, readonly [string, string, () => Promise<unknown>]> = {
    'no context': ['CONTEXT_MISSING', 'runWithoutTenant', () => pool.query('select 1')],
    'a second secret': [
      'CONFIGURATION',
      '--rotate',
      () => migrate({ databaseUrl: two.database.adminUrl, sealSecret: 'x'.repeat(40) }),
    ],
    'two spellings': ['CONFIGURATION', 'searchPath', async () => two.pool({ options: '-c search_path=mine' })],
    CALL: ['STATEMENT_REFUSED', 'allowStatements', () => asA(() => pool.query('call something()'))],
    BEGIN: ['STATEMENT_REFUSED', 'pool.transaction', () => asA(() => pool.query('begin'))],
    COPY: ['STATEMENT_REFUSED', 'copyInto', () => asA(() => pool.query('copy documents from stdin'))],
    'SELECT INTO': ['STATEMENT_REFUSED', 'INSERT INTO … SELECT', () => asA(() => pool.query('select 1 into x'))],
    'no connection free': [
      'DEPENDENCY_UNAVAILABLE',
      'perTenantWaitMs',
      () => asA(() => pool.transaction(() => pool.query('select 1'))),
    ],
    'an answer too large': [
      'RESULT_TOO_LARGE',
      'maxResultBytes',
      () => asA(() => pool.query("select repeat('x', 5000)")),
    ],
  }

  it.each(Object.entries(cases))('stands in the message: %s', async (_name, [short, fix, run]) => {
    const code = `PARTYWALL_${short}`
    await expect(run()).rejects.toMatchObject({ code, message: expect.stringContaining(fix) })
    expect(rows.some((row) => row.includes(`\`${code}\``) && row.includes(fix))).toBe(true)
  })
})
