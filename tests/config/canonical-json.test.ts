import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/config/canonical-json.ts'

describe('canonical JSON', () => {
  it('has no order of keys but its own', () => {
    expect(canonicalJson({ b: 1, a: { d: [2, { z: 1, y: 2 }], c: null } })).toBe(
      '{"a":{"c":null,"d":[2,{"y":2,"z":1}]},"b":1}',
    )
  })

  it('is the same for what comes back from jsonb', () => {
    const value = { 10: 'ten', 9: 'nine', at: new Date(0), none: undefined, list: [undefined, 1], nested: { x: 1.5 } }
    expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value))
  })

  it('writes what JSON has no word for as null', () => {
    for (const value of [undefined, null, () => 1, Number.NaN]) expect(canonicalJson(value)).toBe('null')
  })
})
