import { describe, expect, it } from 'vitest'
import { sampleLike, samplePattern } from '../../../src/verify/attack/sample-pattern.ts'

describe('samplePattern', () => {
  for (const pattern of [
    '^[A-Z]{3,8}$',
    '^[a-z0-9]+(-[a-z0-9]+)*$',
    '^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$',
    '^shp_[a-z0-9]{8}$',
    '^\\+[1-9]\\d{6,14}$',
    '^#[0-9a-fA-F]{6}$',
    '^(acme|globex)-\\d+$',
    '^[A-Z]{2}[-_]?[0-9]{4}$',
    '\\A[[:alpha:]_]\\w*\\Z',
    '^https?://.+$',
    '^c[a-z0-9]{24}$',
  ]) {
    it(`makes two texts that ${pattern} lets in`, () => {
      const texts = [samplePattern(pattern, 123_457), samplePattern(pattern, 123_457 + 7919)]
      // JavaScript has no \A, \Z and POSIX classes.
      const ours = new RegExp(pattern.replace('\\A', '^').replace('\\Z', '$').replace('[:alpha:]', 'a-z'))
      for (const text of texts) expect(text).toMatch(ours)
      expect(texts[0]).not.toBe(texts[1])
    })
  }

  it('has no answer for what it does not know', () => {
    expect(samplePattern('^(?=.*[0-9])[a-z0-9]+$', 1)).toBeUndefined()
    expect(samplePattern('(a)\\1', 1)).toBeUndefined()
    expect(samplePattern('[a-z', 1)).toBeUndefined()
    expect(samplePattern('^(a', 1)).toBeUndefined()
  })

  it('fills the wildcards of LIKE', () => {
    expect(sampleLike('https://%', 7)).toBe('https://x7')
  })
})
