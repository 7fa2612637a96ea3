import { afterAll, describe, expect, it, vi } from 'vitest'
import type { RuleCase } from '../verify/rule-case.ts'
import { rulesWithTests } from '../verify/rules-with-tests.ts'
import type { Comparison } from './compare.ts'
import { summaryOf } from './summary.ts'

// The rules' own cases, taken instead of run: both tools see exactly the same schemas.
const taken = vi.hoisted((): { rule: string; given: RuleCase }[] => [])
vi.mock('../verify/rule-case.ts', async (original) => ({
  ...(await original<typeof import('../verify/rule-case.ts')>()),
  ruleCase: (rule: string, given: RuleCase) => void taken.push({ rule, given }),
}))
const { compare } = await import('./compare.ts')

const rules = rulesWithTests(process.env['PEERS_RULES'])
for (const rule of rules) await import(`../verify/rules/${rule}.test.ts`)

const rows: Comparison[] = []
const failed: string[] = []

describe('tenant-guard beside partywall verify', () => {
  for (const [at, { rule, given }] of taken.entries()) {
    const title = `${at + 1}/${taken.length} ${rule}${given.name === undefined ? '' : `: ${given.name}`}`
    it(title, async () => {
      try {
        rows.push(await compare(rule, given))
      } catch (error) {
        failed.push(`${title}: ${String(error)}`)
        throw error
      }
    })
  }
  it('saw schemas', () => expect(rows.length).toBeGreaterThan(0))
})

afterAll(() => {
  const withCases = new Set(taken.map(({ rule }) => rule))
  const withoutCases = rules.filter((rule) => !withCases.has(rule))
  process.stdout.write(`\n${summaryOf(rows, { withoutCases, failed }).join('\n')}\n`)
})
