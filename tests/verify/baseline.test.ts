import { describe, expect, it } from 'vitest'
import { applyBaseline, parseBaseline } from '../../src/verify/finding/baseline.ts'
import { leak } from './formats/sample-document.ts'

const now = () => Date.parse('2026-11-24T23:59:00Z')
const other = { ...leak, rule: 'grant-truncate', key: 'grant-truncate:public.users' }

describe('a baseline', () => {
  it('accepts a finding by its key until the end of its last day', () => {
    const baselined = applyBaseline([leak, other], [{ key: leak.key, reason: 'known', expires: '2026-11-24' }], now)
    expect(baselined).toEqual({
      findings: [other],
      accepted: [{ finding: leak, reason: 'known', expires: '2026-11-24' }],
      warnings: [],
    })
  })

  it('says which entries have expired, and lets them count again', () => {
    const baselined = applyBaseline([leak], [{ key: leak.key, reason: 'known', expires: '2026-11-23' }], now)
    expect(baselined.findings).toEqual([leak])
    expect(baselined.warnings).toEqual([expect.stringMatching(/2026-11-23.*counts again/)])
  })

  it('says which entries match nothing', () => {
    const baselined = applyBaseline([leak], [{ key: 'rls-disabled:public.gone', reason: 'known' }], now)
    expect(baselined.findings).toEqual([leak])
    expect(baselined.warnings).toEqual([expect.stringContaining('public.gone')])
  })

  it('is refused with all its problems at once', () => {
    const text = JSON.stringify({ version: 2, accept: [{ key: 'a', expires: '31.12.2026' }] })
    for (const problem of ['version', 'accept.0.reason', 'accept.0.expires']) {
      expect(() => parseBaseline(text, 'b.json')).toThrow(problem)
    }
    expect(() => parseBaseline('{', 'b.json')).toThrow('no JSON')
    const twice = JSON.stringify({ version: 1, accept: [1, 2].map(() => ({ key: 'a', reason: 'b' })) })
    expect(() => parseBaseline(twice, 'b.json')).toThrow('twice')
  })
})
