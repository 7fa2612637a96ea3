import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { routeKey, tenantKey, userKey } from '../../src/rate-limit/scope-key.ts'

// Any UTF-16 at all: lone surrogates, NUL, braces, colons, and what looks like one of our own digests.
const id = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 6 }),
  fc.constantFrom(
    'a',
    'a:b',
    '{a}',
    '}{',
    ':u:',
    'a}:u:b',
    '~',
    tenantKey('{x}').slice(1, -1),
    'é',
    'e\u0301',
    '\0',
    '',
  ),
)
const kinds = [
  (tenant: string, _part: string) => tenantKey(tenant),
  (tenant: string, part: string) => userKey(tenant, part),
  (tenant: string, part: string) => routeKey(tenant, part),
] as const

/** What a Redis Cluster hashes: what stands between the first `{` and the next `}`. */
const hashTag = (key: string) => key.slice(key.indexOf('{') + 1, key.indexOf('}'))

describe('keys of counters', () => {
  it('of two tenants are never the same, and never share a hash tag, whatever the ids', () => {
    fc.assert(
      fc.property(id, id, id, id, fc.nat(2), fc.nat(2), (tenant, other, part, otherPart, kind, otherKind) => {
        fc.pre(tenant !== other)
        const key = kinds[kind]?.(tenant, part) ?? ''
        const otherKey = kinds[otherKind]?.(other, otherPart) ?? ''
        expect(key).not.toBe(otherKey)
        expect(hashTag(key)).not.toBe(hashTag(otherKey))
      }),
      { numRuns: 3000 },
    )
  })

  it('of one tenant are all different, in one slot, short, and free of control characters', () => {
    fc.assert(
      fc.property(id, id, id, (tenant, part, other) => {
        const keys = [tenantKey(tenant), userKey(tenant, part), routeKey(tenant, part)]
        expect(new Set(keys).size).toBe(3)
        expect(new Set(keys.map(hashTag)).size).toBe(1)
        expect(hashTag(keys[0] ?? '')).not.toBe('')
        for (const key of keys) expect(key).toMatch(/^\{[\w.~-]{1,64}\}(:[ur]:[\w.~-]{1,64})?$/)
        if (part !== other) expect(userKey(tenant, part)).not.toBe(userKey(tenant, other))
      }),
      { numRuns: 3000 },
    )
  })
})
