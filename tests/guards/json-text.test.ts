import { describe, expect, it } from 'vitest'
import { readPolicy } from '../../src/guards/guard-policy.ts'
import { findInJson } from '../../src/guards/json-text.ts'
import { otherTenant, ownTenant } from './context.ts'

const policy = readPolicy({}, 'test')
const kindOf = (text: string, tenantId: string | undefined = ownTenant) => findInJson(text, tenantId, policy)?.kind

describe('the search in JSON text', () => {
  it('reads a key whose letters are escaped', () => {
    expect(kindOf(`{"tenant\\u005fid":"${otherTenant}"}`)).toBe('foreign-tenant')
    expect(kindOf(`{"\\u0074enantId":"${otherTenant}"}`)).toBe('foreign-tenant')
    expect(kindOf(`{"tenant\\\\u005fid":"${otherTenant}"}`)).toBeUndefined()
  })

  it('reads a value whose letters are escaped', () => {
    const escaped = [...ownTenant].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
    expect(kindOf(`{"tenant_id":"${escaped}"}`)).toBeUndefined()
  })

  it('tells a key that ends like a tenant field from a tenant field', () => {
    expect(kindOf(`{"x\\"tenant_id":"${otherTenant}"}`)).toBeUndefined()
    expect(kindOf(`{"x\\\\":1,"tenant_id":"${otherTenant}"}`)).toBe('foreign-tenant')
  })

  it('sees each of two equal keys, whichever a reader would take', () => {
    expect(kindOf(`{"tenant_id":"${otherTenant}","tenant_id":"${ownTenant}"}`)).toBe('foreign-tenant')
  })

  it('reads lists, white space, JSONP and server-sent events', () => {
    expect(kindOf(`{ "tenant_id" :\n\t[ "${ownTenant}" , "${otherTenant}" ] }`)).toBe('foreign-tenant')
    expect(kindOf(`/**/ typeof cb === 'function' && cb({"tenantId":"${otherTenant}"});`)).toBe('foreign-tenant')
    expect(kindOf(`data: {"tenantId":"${ownTenant}"}\n\n`)).toBeUndefined()
  })

  it('compares numbers by all their digits', () => {
    expect(kindOf('{"tenant_id":9007199254740993}', '9007199254740993')).toBeUndefined()
    expect(kindOf('{"tenant_id":9007199254740993}', '9007199254740992')).toBe('foreign-tenant')
  })

  it('refuses a value that it can’t read to its end', () => {
    expect(kindOf(`{"tenant_id":"${otherTenant}`)).toBe('unreadable')
    expect(kindOf(`{"tenant_id":"${'x'.repeat(5_000)}"}`)).toBe('unreadable')
    expect(kindOf('{"tenant_id":[1,')).toBe('foreign-tenant')
  })

  it('takes any named tenant for a finding where no context is open', () => {
    expect(findInJson(`{"tenant_id":"${ownTenant}"}`, undefined, policy)?.kind).toBe('no-context')
    expect(findInJson('{"tenant_id":null}', undefined, policy)).toBeUndefined()
  })

  it('finds names with signs that mean something in a pattern', () => {
    const odd = readPolicy({ fields: ['a.b', 'a+b', '(tenant)', 'x"y'] }, 'test')
    for (const field of odd.fields) {
      expect(findInJson(JSON.stringify({ [field]: otherTenant }), ownTenant, odd)?.path).toEqual([field])
    }
    expect(findInJson(JSON.stringify({ axb: otherTenant }), ownTenant, odd)).toBeUndefined()
  })
})
