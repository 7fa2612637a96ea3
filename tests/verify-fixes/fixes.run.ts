import { afterAll, describe, expect, it, vi } from 'vitest'
import type { RuleCase } from '../verify/rule-case.ts'
import { rulesWithTests } from '../verify/rules-with-tests.ts'

// The rules' own cases, taken instead of run: each hole is mended in all the ways that partywall offers.
const taken = vi.hoisted((): { rule: string; given: RuleCase }[] => [])
vi.mock('../verify/rule-case.ts', async (original) => ({
  ...(await original<typeof import('../verify/rule-case.ts')>()),
  ruleCase: (rule: string, given: RuleCase) => void taken.push({ rule, given }),
}))
const { fixFile, printedFixes, protect } = await import('./round-trip.ts')

for (const rule of rulesWithTests(process.env['FIXES_RULES'])) await import(`../verify/rules/${rule}.test.ts`)

const counts = { schemas: 0, statements: 0, errors: 0, left: 0, changed: 0 }

describe('the fixes of partywall', () => {
  for (const [at, { rule, given }] of taken.entries()) {
    const title = `${at + 1}/${taken.length} ${rule}${given.name === undefined ? '' : `: ${given.name}`}`
    it(title, async () => {
      const ways = {
        'as printed': await printedFixes(given),
        'as one file': await fixFile(given),
        'as a migration': await protect(given),
      }
      counts.schemas += 1
      for (const way of Object.values(ways)) {
        counts.statements += way.statements
        counts.errors += way.errors.length
        counts.left += way.left.length
      }
      counts.changed += ways['as a migration'].changed.length
      for (const [way, came] of Object.entries(ways)) {
        expect(came.errors, way).toEqual([])
        expect(came.left, way).toEqual([])
      }
      expect(ways['as a migration'].changed).toEqual([])
    })
  }
  it('saw schemas', () => expect(counts.schemas).toBeGreaterThan(0))
})

afterAll(() => {
  process.stdout.write(
    `\n${counts.schemas} schemas, each mended by printed fixes, by the file of --fix (both twice) and by protect up, up, down: ` +
      `${counts.statements} statements, ${counts.errors} refused, ${counts.left} findings left, ${counts.changed} lines of the catalog not as before\n`,
  )
})
