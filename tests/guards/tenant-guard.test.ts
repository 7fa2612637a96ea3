import { describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantGuard, guardTenantData } from '../../src/guards/tenant-guard.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { asOwnTenant, codeOf, collectEvents, otherTenant, ownTenant } from './context.ts'

const isolation = 'PARTYWALL_TENANT_ISOLATION'
const logger = silentLogger

function kindOf(fn: () => unknown): unknown {
  try {
    fn()
    return undefined
  } catch (error) {
    return error instanceof Error && 'details' in error ? Reflect.get(Object(error.details), 'kind') : error
  }
}

describe('guardTenantData', () => {
  it('gives back the same object where all of it is the own tenant’s', () => {
    const rows = [{ tenant_id: ownTenant }, { tenantId: ownTenant }]
    expect(asOwnTenant(() => guardTenantData(rows))).toBe(rows)
  })

  it('refuses one foreign row among a thousand and says where it is', () => {
    const rows = Array.from({ length: 1_000 }, (_, index) => ({ tenant_id: index === 987 ? otherTenant : ownTenant }))
    expect(() => asOwnTenant(() => guardTenantData({ rows }))).toThrow('rows.987.tenant_id')
    expect(codeOf(() => asOwnTenant(() => guardTenantData({ rows })))).toBe(isolation)
  })

  it('throws outside a tenant context', () => {
    expect(codeOf(() => guardTenantData([]))).toBe('PARTYWALL_CONTEXT_MISSING')
  })

  it('checks what a promise that nobody awaited settles to', async () => {
    const late = asOwnTenant(() => guardTenantData(Promise.resolve([{ tenant_id: otherTenant }])))
    await expect(late).rejects.toMatchObject({ code: isolation })
    await expect(asOwnTenant(() => guardTenantData(Promise.resolve(7)))).resolves.toBe(7)
  })

  it('keeps the tenant ids out of what clients are told', () => {
    try {
      asOwnTenant(() => guardTenantData({ tenant_id: otherTenant }))
    } catch (error) {
      expect(JSON.stringify({ said: Reflect.get(Object(error), 'publicMessage') })).not.toContain(otherTenant)
      expect(String(error)).not.toContain(otherTenant)
      return
    }
    throw new Error('nothing was refused')
  })

  it.each([
    ['upper case', ownTenant.toUpperCase()],
    ['braces', `{${ownTenant}}`],
    ['no hyphens', ownTenant.replaceAll('-', '')],
    ['bytes', Buffer.from(ownTenant.replaceAll('-', ''), 'hex')],
  ])('takes a uuid in %s for the same uuid', (_name, tenantId) => {
    expect(asOwnTenant(() => guardTenantData({ tenantId }))).toEqual({ tenantId })
  })

  it('compares numbers, bigints and their decimal strings by value, and trusts no rounded number', () => {
    const asTenant = (tenantId: string, value: unknown) =>
      codeOf(() => runWithTenant({ tenantId, userId: 'user-1' }, () => guardTenantData({ tenant_id: value })))
    expect(asTenant('42', 42)).toBeUndefined()
    expect(asTenant('42', BigInt(42))).toBeUndefined()
    expect(asTenant('42', 43)).toBe(isolation)
    expect(asTenant('42', '042')).toBe(isolation)
    expect(asTenant('9007199254740992', BigInt('9007199254740993'))).toBe(isolation)
    expect(asTenant('9007199254740992', 2 ** 53)).toBe(isolation)
  })

  it('reads binary ids as ids and not as bytes', () => {
    const foreign = Buffer.from(otherTenant.replaceAll('-', ''), 'hex')
    expect(codeOf(() => asOwnTenant(() => guardTenantData({ tenant_id: foreign })))).toBe(isolation)
  })

  it('reads field names that the options give, and those alone', () => {
    const options = { fields: ['org', 'account_id', 'workspace'] }
    expect(codeOf(() => asOwnTenant(() => guardTenantData({ workspace: otherTenant }, options)))).toBe(isolation)
    expect(codeOf(() => asOwnTenant(() => guardTenantData({ tenant_id: otherTenant }, options)))).toBeUndefined()
  })

  it('refuses what is larger or deeper than its bounds instead of letting it pass', () => {
    const deep = Array.from({ length: 101 }).reduce<unknown>((inner) => ({ inner }), {})
    expect(kindOf(() => asOwnTenant(() => guardTenantData(deep)))).toBe('too-deep')
    expect(kindOf(() => asOwnTenant(() => guardTenantData(new Array(2_000_000))))).toBe('too-large')
    const small = { maxNodes: 10 }
    expect(kindOf(() => asOwnTenant(() => guardTenantData(new Set(Array(1).keys()), small)))).toBeUndefined()
    expect(kindOf(() => asOwnTenant(() => guardTenantData(new Set(Array(11).keys()), small)))).toBe('too-large')
    expect(kindOf(() => asOwnTenant(() => guardTenantData({ tenant_id: new Array(11).fill(ownTenant) }, small)))).toBe(
      'too-large',
    )
  })

  it('refuses what it can’t read: a getter that throws, a revoked proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const throwing = {
      get broken(): never {
        throw new Error('no')
      },
    }
    expect(kindOf(() => asOwnTenant(() => guardTenantData([proxy])))).toBe('unreadable')
    expect(kindOf(() => asOwnTenant(() => guardTenantData(throwing)))).toBe('unreadable')
  })

  it('sees what toJSON sends, also of a function and of a date’s subclass, and asks it once', () => {
    let asked = 0
    const model = {
      toJSON() {
        asked++
        return { rows: [{ tenant_id: otherTenant }] }
      },
    }
    class Stamp extends Date {
      override toJSON(): string {
        // Not what the type of Date promises, but what programs do.
        return Object({ tenant_id: otherTenant })
      }
    }
    const fn = Object.assign(() => {}, { toJSON: () => ({ tenant_id: otherTenant }) })
    expect(codeOf(() => asOwnTenant(() => guardTenantData({ model })))).toBe(isolation)
    expect(asked).toBe(1)
    expect(codeOf(() => asOwnTenant(() => guardTenantData([new Stamp()])))).toBe(isolation)
    expect(codeOf(() => asOwnTenant(() => guardTenantData({ fn })))).toBe(isolation)
  })
})

describe('strict mode', () => {
  const strict = { strict: true }

  // Made by functions: the runner can't carry a bigint in its table.
  it.each([
    ['null', () => null],
    ['the empty string', () => ''],
    ['0', () => 0],
    ['the bigint 0', () => BigInt(0)],
    ['NaN', () => Number.NaN],
    ['true', () => true],
    ['an object', () => ({})],
    ['a list of null', () => [null]],
  ])('refuses a tenant field of %s, which plain mode lets pass', (_name, odd) => {
    const row = { tenant_id: odd() }
    expect(kindOf(() => asOwnTenant(() => guardTenantData(row, strict)))).toBe('empty-tenant')
    expect(kindOf(() => asOwnTenant(() => guardTenantData(row)))).toBeUndefined()
  })

  it('refuses a known entity without a tenant field', () => {
    const options = { strict: true, entities: [(value: object) => 'title' in value] }
    expect(kindOf(() => asOwnTenant(() => guardTenantData([{ title: 'x' }], options)))).toBe('missing-tenant')
    expect(
      kindOf(() => asOwnTenant(() => guardTenantData([{ title: 'x', tenant_id: ownTenant }], options))),
    ).toBeUndefined()
    expect(kindOf(() => asOwnTenant(() => guardTenantData([{ name: 'x' }], options)))).toBeUndefined()
  })
})

describe('createTenantGuard', () => {
  it('tells its listeners of both tenants', () => {
    const { events, seen } = collectEvents()
    const guard = createTenantGuard({ events, logger })
    expect(codeOf(() => asOwnTenant(() => guard.guardTenantData({ tenant_id: otherTenant })))).toBe(isolation)
    expect(seen).toMatchObject([
      {
        type: 'CROSS_TENANT_ACCESS_ATTEMPT',
        source: 'guard',
        tenantId: ownTenant,
        userId: 'user-1',
        attemptedTenantId: otherTenant,
        reason: 'foreign-tenant',
      },
    ])
    expect(guard.counts()).toEqual({ checked: 1, refused: 1, wouldRefuse: 0, exempt: 0 })
  })

  it('lets pass, counts and logs in report mode', () => {
    const { events, seen } = collectEvents()
    const lines: unknown[] = []
    const guard = createTenantGuard({
      enforcement: 'report',
      events,
      logger: { ...silentLogger, warn: (fields) => lines.push(fields) },
    })
    const value = { tenant_id: otherTenant }
    expect(asOwnTenant(() => guard.guardTenantData(value))).toBe(value)
    expect(guard.counts()).toMatchObject({ refused: 0, wouldRefuse: 1 })
    expect(lines).toMatchObject([{ kind: 'foreign-tenant', path: 'tenant_id' }])
    expect(seen).toEqual([])
  })

  it('refuses options that it does not know or can’t use, all at once', () => {
    const odd = { fields: [], maxDepth: 0, enforcement: 'maybe', unknown: 1 }
    // What a program without types may pass.
    const make = () => createTenantGuard(Object(odd))
    expect(codeOf(make)).toBe('PARTYWALL_CONFIGURATION')
    expect(make).toThrow(/fields.*\n.*maxDepth.*\n.*enforcement/)
    expect(codeOf(() => createTenantGuard({ entities: [] }))).toBe('PARTYWALL_CONFIGURATION')
  })
})
