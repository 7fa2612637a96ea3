// Each refusal is in the log, with the tenant that tried and the reason; its answer tells the client neither. Counted: as many as
// there were refused answers.
import { beforeAll, describe, expect, it } from 'vitest'
import { exampleAccess } from '../../examples/express-api/access.ts'
import { createMemoryStore } from '../../src/rate-limit/index.ts'
import type { ApiAnswer } from '../../src/testing/test-api.ts'
import { type ExampleKit, type ExampleTenant, startExample, TenantTestHelper } from '../helpers/tenant-test-helper.ts'

/** So that repeats are folded, and have to be counted. */
const TIMES = 3

describe('every refusal', () => {
  let example: ExampleKit
  let a: ExampleTenant
  let b: ExampleTenant
  let suspended: ExampleTenant
  let member: ExampleTenant
  let busy: ExampleTenant
  const refused: { readonly kind: string; readonly answer: ApiAnswer }[] = []

  beforeAll(async () => {
    const tier = (requestsPerMinute: number) => ({
      requestsPerMinute,
      requestsPerDay: 10_000,
      burstSize: requestsPerMinute,
    })
    example = await startExample({
      careless: true,
      agreement: { headers: ['x-tenant-id'] },
      wall: () => ({
        access: exampleAccess,
        rateLimit: { store: createMemoryStore(), tiers: { free: tier(1), enterprise: tier(1_000) } },
      }),
    })
    const roomy = { tier: 'enterprise' }
    a = await TenantTestHelper.create('a', { ...roomy, roles: ['owner'] })
    b = await TenantTestHelper.create('b', roomy)
    suspended = await TenantTestHelper.create('suspended', roomy)
    member = await TenantTestHelper.create('member', { ...roomy, roles: ['viewer'] })
    busy = await TenantTestHelper.create('busy', { tier: 'free', roles: ['owner'] })
    await example.kit.admin("update tenants set status = 'suspended' where id = $1", [suspended.tenantId])
    example.wall.tenants.invalidate(suspended.tenantId)
    await busy.api.get('/documents')
    const attacks: Record<string, () => Promise<ApiAnswer>> = {
      body: () => a.api.post('/documents', { title: 'x', tenant_id: b.tenantId }),
      filter: () => a.api.get(`/documents?tenant_id=${b.tenantId}`),
      header: () => a.api.get('/documents', { headers: { 'x-tenant-id': b.tenantId } }),
      database: () => a.api.post('/careless/documents', { title: 'x', tenant_id: b.tenantId }),
      permission: () => member.api.delete(`/users/${member.userId}`),
      limit: () => busy.api.get('/documents'),
      suspended: () => suspended.api.get('/documents'),
      token: () => a.api.get('/documents', { headers: { authorization: 'Bearer not.a.token' } }),
    }
    for (const [kind, attack] of Object.entries(attacks)) {
      for (let n = 0; n < TIMES; n++) refused.push({ kind, answer: await attack() })
    }
    // Writes what was folded.
    await example.wall.close()
  }, 120_000)

  const written = async (text: string, values: readonly unknown[]) =>
    (
      await example.kit.admin(
        `select coalesce(sum(coalesce((details ->> 'count')::int, 1)), 0)::int as n, count(*)::int as rows,
           bool_and(coalesce(details ->> 'reason', details ->> 'source', details ->> 'permission', details ->> 'limits') is not null) as reasoned
         from partywall.audit_events where outcome = 'denied' and ${text}`,
        values,
      )
    ).rows[0]

  it('is refused, and says nothing of the other tenant, of SQL or of the reason that is in the log', async () => {
    expect(refused).toHaveLength(8 * TIMES)
    const { rows } = await example.kit.admin(
      "select distinct details ->> 'reason' as reason from partywall.audit_events where outcome = 'denied' and details ? 'reason'",
    )
    for (const { kind, answer } of refused) {
      expect([401, 403, 429], kind).toContain(answer.status)
      for (const secret of [b.tenantId, 'policy', 'documents', ...rows.map((row) => String(row.reason))])
        expect(answer.text, kind).not.toContain(secret)
    }
  })

  it('of a tenant is in its own log, each one counted, with the reason and without the other tenant', async () => {
    const own = (tenant: ExampleTenant, action: string) =>
      written('tenant_id = $1 and action = $2', [tenant.tenantId, action])
    expect(await own(a, 'CROSS_TENANT_ACCESS_ATTEMPT')).toMatchObject({ n: 4 * TIMES, reasoned: true })
    expect(await own(member, 'PERMISSION_DENIED')).toMatchObject({ n: TIMES, reasoned: true })
    expect(await own(busy, 'RATE_LIMITED')).toMatchObject({ n: TIMES, reasoned: true })
    // One folded event would have the reason of the first alone.
    const layers = await example.kit.admin(
      "select distinct details ->> 'source' as layer from partywall.audit_events where tenant_id = $1 and outcome = 'denied'",
      [a.tenantId],
    )
    expect(layers.rows.map((row) => row.layer)).toContain('database')
    expect(layers.rows.length).toBeGreaterThan(2)
    const told = await example.kit.admin(
      'select from partywall.audit_events where tenant_id = $1 and details::text like $2',
      [a.tenantId, `%${b.tenantId}%`],
    )
    expect(told.rowCount).toBe(0)
  })

  it('without a tenant, or of one that is locked out, is in the system stream, which names both tenants of a crossing', async () => {
    expect(
      await written("tenant_id = '' and action = 'TENANT_REFUSED' and details ->> 'tenantId' = $1", [
        suspended.tenantId,
      ]),
    ).toMatchObject({ n: TIMES, reasoned: true })
    expect(await written("tenant_id = '' and action in ('AUTHENTICATION_FAILED', 'TOKEN_ATTACK')", [])).toMatchObject({
      n: TIMES,
      reasoned: true,
    })
    expect(
      await written(
        "tenant_id = '' and action = 'CROSS_TENANT_ACCESS_ATTEMPT' and details ->> 'tenantId' = $1 and details ->> 'attemptedTenantId' = $2",
        [a.tenantId, b.tenantId],
      ),
    ).toMatchObject({ reasoned: true })
  })

  it('leaves none behind that nobody caused', async () => {
    expect(await written('tenant_id <> $1', [''])).toMatchObject({ n: 6 * TIMES })
  })
})
