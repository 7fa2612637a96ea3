import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as errors from '../../src/errors.ts'

describe('docs/errors.md', () => {
  it('has one row for each code, with its class and its status', () => {
    const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
    const rows = [...text.matchAll(/^\| `(PARTYWALL_\w+)` \| `(\w+)` \| (\d{3}) \|/gm)].map(
      ([, code, name, status]) => `${code} ${name} ${status}`,
    )
    const made = Object.entries(errors).flatMap(([name, value]) => {
      if (name === 'PartywallError' || !name.endsWith('Error') || typeof value !== 'function') return []
      const error: unknown = Reflect.construct(value, ['x'])
      return errors.isPartywallError(error) ? [`${error.code} ${name} ${error.status}`] : []
    })
    expect(made.length).toBeGreaterThan(10)
    expect(rows.sort()).toEqual(made.sort())
  })
})
