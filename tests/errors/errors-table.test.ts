import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as errors from '../../src/errors.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
  .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
  .join('\n')

const rows = [...page.matchAll(/^\| `(PARTYWALL_\w+)` \| `(\w+)` \| (\d{3}) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, code = '', name = '', status = '', cause = '', fix = '']) => ({ code, name, status, cause, fix }),
)
const made = Object.entries(errors).flatMap(([name, value]) => {
  if (name === 'PartywallError' || !name.endsWith('Error') || typeof value !== 'function') return []
  const error: unknown = Reflect.construct(value, ['x'])
  return errors.isPartywallError(error) ? [{ code: error.code, name, status: String(error.status) }] : []
})

describe('docs/errors.md', () => {
  it('has one row for each code, with its class and its status', () => {
    expect(made.length).toBeGreaterThan(10)
    const told = ({ code, name, status }: { code: string; name: string; status: string }) => `${code} ${name} ${status}`
    expect(rows.map(told).sort()).toEqual(made.map(told).sort())
  })

  it('has a cause and a fix for each, as sentences', () => {
    for (const { code, cause, fix } of rows) {
      for (const text of [cause, fix]) {
        expect(text.length, code).toBeGreaterThan(20)
        expect(text, code).toMatch(/^[A-Z`].*[.)]$/)
      }
    }
  })

  it.each(made)('documents what is thrown: $code', ({ name }) => {
    expect(source).toMatch(new RegExp(`(?:new|extends) ${name}\\b`))
  })

  it('knows each code that the source names, and the source each that it names', () => {
    const codes = (text: string) => [...new Set([...text.matchAll(/PARTYWALL_[A-Z_]+\b/g)].map(([code]) => code))]
    const known = new Set(made.map(({ code }) => String(code)))
    // Environment variables of the command line and of tests begin so, too.
    const variables =
      /^PARTYWALL_(?:SEAL_SECRET|AUDIT_KEY|(?:DATABASE|ENTRY|POSTGRES)_URL|QUERY|TEST_|WEBHOOK|SCHEMA|TENANT$)/
    for (const code of [...codes(page), ...codes(source)]) if (!variables.test(code)) expect(known).toContain(code)
  })
})
