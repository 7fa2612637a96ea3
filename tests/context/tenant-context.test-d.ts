import { describe, expectTypeOf, it } from 'vitest'
import { getCurrentTenant, runWithTenant, tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantContext } from '../../src/context/tenant-context.ts'
import { createSecurityEvents } from '../../src/events/security-events.ts'

describe('types of the context', () => {
  it('gives what the function gives, and a context that cannot be written', () => {
    expectTypeOf(runWithTenant({ tenantId: 'a', userId: 'b' }, async () => 7)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(getCurrentTenant).returns.toEqualTypeOf<TenantContext>()
    expectTypeOf(tryGetCurrentTenant).returns.toEqualTypeOf<TenantContext | undefined>()
    // @ts-expect-error a context is read only
    getCurrentTenant().tenantId = 'b'
    // @ts-expect-error a context needs a user
    runWithTenant({ tenantId: 'a' }, () => 1)
  })

  it('gives a listener the event of the type that it asked for', () => {
    createSecurityEvents().on('RATE_LIMITED', (event) => expectTypeOf(event.limits).toEqualTypeOf<readonly string[]>())
    createSecurityEvents().on('LISTENER_UP', (event) => expectTypeOf(event.listener).toEqualTypeOf<string>())
  })
})
