import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { CrossTenantSafe } from '../../src/guards/cross-tenant-safe.ts'
import { preventCrossTenantAccess } from '../../src/guards/tenant-guard.ts'
import { asOwnTenant, codeOf, otherTenant, ownTenant } from './context.ts'

const isolation = 'PARTYWALL_TENANT_ISOLATION'
const row = (tenantId: string) => ({ tenant_id: tenantId })

class Reports {
  readonly #title = 'report'

  @preventCrossTenantAccess()
  own(): object {
    return { ...row(ownTenant), title: this.#title }
  }

  @preventCrossTenantAccess()
  foreign(): object {
    return row(otherTenant)
  }

  @preventCrossTenantAccess
  async late(tenantId: string): Promise<object> {
    await Promise.resolve()
    return row(tenantId)
  }

  @preventCrossTenantAccess()
  *each(): Generator<object> {
    yield row(ownTenant)
    yield row(otherTenant)
  }

  @preventCrossTenantAccess()
  async *eachLater(): AsyncGenerator<object> {
    yield row(ownTenant)
    yield row(otherTenant)
  }

  @preventCrossTenantAccess()
  get current(): object {
    return row(otherTenant)
  }

  @preventCrossTenantAccess()
  field = (tenantId: string): object => row(tenantId)

  @CrossTenantSafe('totals over all tenants')
  @preventCrossTenantAccess()
  safeOutside(): object {
    return row(otherTenant)
  }

  @preventCrossTenantAccess()
  @CrossTenantSafe('totals over all tenants')
  safeInside(): object {
    return row(otherTenant)
  }
}

describe('preventCrossTenantAccess as a TC39 decorator', () => {
  const reports = new Reports()

  it('keeps this, name and result of a method', () => {
    expect(asOwnTenant(() => reports.own())).toEqual({ tenant_id: ownTenant, title: 'report' })
    expect(reports.own.name).toBe('own')
  })

  it('refuses what a method, a getter and a field’s function give of another tenant', () => {
    expect(codeOf(() => asOwnTenant(() => reports.foreign()))).toBe(isolation)
    expect(codeOf(() => asOwnTenant(() => reports.current))).toBe(isolation)
    expect(codeOf(() => asOwnTenant(() => reports.field(otherTenant)))).toBe(isolation)
    expect(asOwnTenant(() => reports.field(ownTenant))).toEqual(row(ownTenant))
  })

  it('stands without parentheses too, and waits for promises', async () => {
    await expect(asOwnTenant(() => reports.late(otherTenant))).rejects.toMatchObject({ code: isolation })
    await expect(asOwnTenant(() => reports.late(ownTenant))).resolves.toEqual(row(ownTenant))
  })

  it('checks a generator’s items one by one, before the caller gets them', async () => {
    const got: unknown[] = []
    const read = () => {
      for (const item of reports.each()) got.push(item)
    }
    expect(codeOf(() => asOwnTenant(read))).toBe(isolation)
    const later = async () => {
      for await (const item of reports.eachLater()) got.push(item)
    }
    await expect(asOwnTenant(later)).rejects.toMatchObject({ code: isolation })
    expect(got).toEqual([row(ownTenant), row(ownTenant)])
  })

  it('calls nothing outside a tenant context', () => {
    expect(codeOf(() => reports.own())).toBe('PARTYWALL_CONTEXT_MISSING')
  })

  it('is undone by CrossTenantSafe, in either order', () => {
    expect(asOwnTenant(() => reports.safeOutside())).toEqual(row(otherTenant))
    expect(asOwnTenant(() => reports.safeInside())).toEqual(row(otherTenant))
  })

  it('refuses to stand on a class or a setter', () => {
    const context = (kind: string) => ({ kind, name: 'x' })
    const apply = (value: unknown, kind: string) =>
      Reflect.apply(preventCrossTenantAccess, undefined, [value, context(kind)])
    expect(codeOf(() => apply(Reports, 'class'))).toBe('PARTYWALL_CONFIGURATION')
    expect(codeOf(() => apply(() => {}, 'setter'))).toBe('PARTYWALL_CONFIGURATION')
    expect(codeOf(() => Reflect.apply(preventCrossTenantAccess, undefined, ['list']))).toBe('PARTYWALL_CONFIGURATION')
  })
})

describe('preventCrossTenantAccess around a function', () => {
  it('guards what the function gives, and keeps its arguments', async () => {
    const list = preventCrossTenantAccess(async (first: string, second: string) => [row(first), row(second)])
    expect(list.length).toBe(2)
    await expect(asOwnTenant(() => list(ownTenant, ownTenant))).resolves.toHaveLength(2)
    await expect(asOwnTenant(() => list(ownTenant, otherTenant))).rejects.toMatchObject({ code: isolation })
  })

  it('judges by the tenant of the call, whatever context its promise settles in', async () => {
    let settle: (value: object) => void = () => {}
    const wait = preventCrossTenantAccess(() => new Promise<object>((resolve) => (settle = resolve)))
    const waiting = asOwnTenant(() => wait())
    settle(row(otherTenant))
    await expect(waiting).rejects.toMatchObject({ code: isolation })
  })

  it('runs a lazy query builder and checks its rows', async () => {
    let started = 0
    const builder = {
      then(resolve: (rows: object[]) => void) {
        started++
        resolve([row(otherTenant)])
      },
    }
    const query = preventCrossTenantAccess((): unknown => builder)
    await expect(asOwnTenant(async () => query())).rejects.toMatchObject({ code: isolation })
    expect(started).toBe(1)
  })

  it('checks an object stream item by item and refuses a stream of bytes', async () => {
    const stream = preventCrossTenantAccess(() => Readable.from([row(ownTenant), row(otherTenant)]))
    const got: unknown[] = []
    const read = async () => {
      for await (const item of stream()) got.push(item)
    }
    await expect(asOwnTenant(read)).rejects.toMatchObject({ code: isolation })
    expect(got).not.toContainEqual(row(otherTenant))
    const own = preventCrossTenantAccess(() => Readable.from([row(ownTenant), row(ownTenant)]))
    await expect(asOwnTenant(() => own().toArray())).resolves.toHaveLength(2)
    const bytes = preventCrossTenantAccess(() => Readable.from(Buffer.from('x'), { objectMode: false }))
    expect(codeOf(() => asOwnTenant(bytes))).toBe(isolation)
  })
})

describe('CrossTenantSafe', () => {
  it('demands a reason', () => {
    expect(codeOf(() => CrossTenantSafe(''))).toBe('PARTYWALL_CONFIGURATION')
    expect(codeOf(() => CrossTenantSafe('because'))).toBe('PARTYWALL_CONFIGURATION')
  })

  it('undoes a guard around a plain function', () => {
    const guarded = preventCrossTenantAccess(() => row(otherTenant))
    expect(codeOf(() => asOwnTenant(guarded))).toBe(isolation)
    expect(CrossTenantSafe('totals over all tenants')(guarded)()).toEqual(row(otherTenant))
  })
})
