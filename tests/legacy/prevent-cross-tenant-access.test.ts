import { describe, expect, it } from 'vitest'
import { CrossTenantSafe } from '../../src/guards/cross-tenant-safe.ts'
import { preventCrossTenantAccess } from '../../src/guards/tenant-guard.ts'
import { asOwnTenant, codeOf, otherTenant, ownTenant } from '../guards/context.ts'

const isolation = 'PARTYWALL_TENANT_ISOLATION'

class Reports {
  readonly title = 'report'

  @preventCrossTenantAccess()
  list(tenantId: string): object {
    return { tenant_id: tenantId, title: this.title }
  }

  @preventCrossTenantAccess
  async late(tenantId: string): Promise<object> {
    return [{ tenant_id: tenantId }]
  }

  @preventCrossTenantAccess()
  static newest(tenantId: string): object {
    return { tenantId }
  }

  @preventCrossTenantAccess()
  get current(): object {
    return { tenant_id: otherTenant }
  }

  @CrossTenantSafe('totals over all tenants')
  @preventCrossTenantAccess()
  totals(): object {
    return { tenant_id: otherTenant }
  }
}

describe('preventCrossTenantAccess as a legacy TypeScript decorator', () => {
  const reports = new Reports()

  it('keeps this and the result of the own tenant', () => {
    expect(asOwnTenant(() => reports.list(ownTenant))).toEqual({ tenant_id: ownTenant, title: 'report' })
  })

  it('refuses another tenant’s data from methods, static methods and getters', async () => {
    expect(codeOf(() => asOwnTenant(() => reports.list(otherTenant)))).toBe(isolation)
    expect(codeOf(() => asOwnTenant(() => Reports.newest(otherTenant)))).toBe(isolation)
    expect(codeOf(() => asOwnTenant(() => reports.current))).toBe(isolation)
    await expect(asOwnTenant(() => reports.late(otherTenant))).rejects.toMatchObject({ code: isolation })
  })

  it('is undone by CrossTenantSafe', () => {
    expect(asOwnTenant(() => reports.totals())).toEqual({ tenant_id: otherTenant })
  })

  it('refuses to stand on a parameter or a plain property', () => {
    const apply = (third: unknown) =>
      Reflect.apply(preventCrossTenantAccess, undefined, [Reports.prototype, 'x', third])
    expect(codeOf(() => apply(0))).toBe('PARTYWALL_CONFIGURATION')
    expect(codeOf(() => apply(undefined))).toBe('PARTYWALL_CONFIGURATION')
  })
})
