import { beforeAll, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

// A connection remembers the bytes that set the context for some hundred users. With more, bytes are forgotten and made again.
const TENANTS = 1_300

let two: TwoTenants
let pool: TenantPool

beforeAll(async () => {
  two = await createTwoTenants()
  pool = two.pool({ max: 2 })
  return () => pool.end()
})

const idOf = (place: number) => `10000000-0000-4000-8000-${String(place).padStart(12, '0')}`

async function seenBy(tenantId: string, userId: string): Promise<unknown> {
  const { rows } = await runWithTenant({ tenantId, userId }, () =>
    pool.query(`select partywall.tenant_id()::text as tenant, partywall.user_id() as "user"`),
  )
  return rows[0]
}

it('each of more users than a connection remembers gets a context of its own, the first time and later', async () => {
  const visits = Array.from({ length: TENANTS * 3 }, (_, visit) => ({
    tenant: idOf((visit * 7) % TENANTS),
    user: `u${visit % 3}`,
  }))
  const seen: unknown[] = []
  let next = 0
  const visitor = async () => {
    for (let at = next++; at < visits.length; at = next++) {
      const { tenant = '', user = '' } = visits[at] ?? {}
      seen[at] = await seenBy(tenant, user)
    }
  }
  await Promise.all(Array.from({ length: 8 }, visitor))
  expect(seen).toEqual(visits)
})

it('users who come again and again are remembered, each as the user that it is', async () => {
  for (let visit = 0; visit < 60; visit++) {
    const [tenant, user] = [idOf(visit % 2), `u${visit % 3}`]
    expect(await seenBy(tenant, user)).toEqual({ tenant, user })
  }
})
