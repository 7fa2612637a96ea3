// Whatever setting a tenant's SELECT makes for the session, the next statement on the connection does not run under it.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { startPgBouncer } from '../../leak-hunt/servers/pgbouncer.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { type TenantSetting, tenantSettings } from '../setup/tenant-settings.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let settings: readonly TenantSetting[]
beforeAll(async () => {
  two = await createTwoTenants()
  settings = await tenantSettings(two.database)
})

const show = 'select current_setting($1, true) as value'
const readBy = async (pool: TenantPool, name: string): Promise<unknown> =>
  (await two.as(two.b, () => pool.query(show, [name]))).rows[0]?.value ?? ''

/** Sets each as one tenant, and reads it as another right behind it. @returns those that were set, and those that stayed */
async function tryAll(pool: TenantPool): Promise<{ readonly set: string[]; readonly left: string[] }> {
  const set: string[] = []
  const left: string[] = []
  for (const { name, value } of settings) {
    const before = await readBy(pool, name)
    const poison = two.as(two.a, () => pool.query('select set_config($1, $2, false) as value', [name, value]))
    // Not awaited: on a pipelined connection it is sent behind the other's before that is answered.
    const [attack, behind] = await Promise.allSettled([poison, readBy(pool, name)])
    const after = behind.status === 'fulfilled' ? behind.value : `refused: ${behind.reason}`
    if (attack.status === 'fulfilled' && attack.value.rows[0]?.value !== before) set.push(name)
    if (after !== before || (await readBy(pool, name)) !== before) left.push(name)
  }
  return { set, left }
}

/** A test that tries nothing passes everything. */
const MANY = 100

describe('every setting that a tenant may set', { timeout: 120_000 }, () => {
  it.each([
    ['on a pooled connection', {}],
    ['on a pipelined connection that all tenants share', { pipelinedConnections: 1, max: 2 }],
  ])('is gone for the next statement %s', async (_name, options) => {
    const pool = two.pool(options)
    pool.on('error', () => {})
    const { set, left } = await tryAll(pool)
    await pool.close({ timeoutMs: 1_000 })
    expect(left).toEqual([])
    expect(set.length).toBeGreaterThan(MANY)
  })
})

/** What the context statement sets, and what PgBouncer itself follows. Written down in docs/database.md. */
const SAFE_BEHIND_A_POOLER = [
  'DateStyle',
  'TimeZone',
  'app.current_tenant_id',
  'client_encoding',
  'lock_timeout',
  'role',
  'search_path',
  'standard_conforming_strings',
  'statement_timeout',
  'transaction_read_only',
]

describe('behind PgBouncer in transaction mode', { timeout: 120_000 }, () => {
  async function through(resetAlways: boolean) {
    const bouncer = await startPgBouncer(two.database.appUrl, 1, { resetAlways })
    const pool = two.pool({ connectionString: bouncer.url, pooler: 'transaction', max: 2 })
    pool.on('error', () => {})
    try {
      return await tryAll(pool)
    } finally {
      await pool.close({ timeoutMs: 1_000 })
      await bouncer.stop()
    }
  }

  it('stays by default, but for those that docs/database.md lists', async () => {
    const { set, left } = await through(false)
    expect(set.filter((name) => !left.includes(name)).sort()).toEqual(SAFE_BEHIND_A_POOLER)
    const docs = readFileSync(new URL('../../docs/database.md', import.meta.url), 'utf8')
    for (const name of SAFE_BEHIND_A_POOLER) expect(docs).toContain(`\`${name}\``)
  })

  it('is gone with server_reset_query_always = 1', async () => {
    const { set, left } = await through(true)
    expect(left).toEqual([])
    expect(set.length).toBeGreaterThan(MANY)
  })
})
