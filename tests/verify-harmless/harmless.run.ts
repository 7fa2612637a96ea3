import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planFor } from '../../cli/protect/protect-plan.ts'
import { isHarmless, tell } from '../../src/compare/differences.ts'
import { Trial } from '../../src/compare/trial.ts'
import { triedFixes, tryFix } from '../../src/compare/try-fixes.ts'
import { sqlOf, togetherOf } from '../../src/protect/render/script.ts'
import { loadParser } from '../../src/sql/parser.ts'
import { splitStatements } from '../../src/verify/sources/split-statements.ts'
import { openCase } from '../verify/rule-case.ts'
import { CLEAN } from '../verify/strangers/clean.ts'
import { LEAKY } from '../verify/strangers/leaky.ts'
import { SCHEMAS } from './schemas.ts'

const strangers = (list: typeof CLEAN) => Object.entries(list).map(([name, { schema }]) => [name, schema] as const)
const all = [...Object.entries(SCHEMAS), ...strangers(CLEAN), ...strangers(LEAKY)]
const counts = { schemas: 0, fixes: 0, statements: 0, comments: 0, kept: 0, harmful: 0, protects: 0 }
const told: string[] = []

describe('what verify and protect write', () => {
  beforeAll(() => loadParser())
  for (const [name, schema] of all)
    it(name, async () => {
      const opened = await openCase([schema])
      const client = new pg.Client({ connectionString: opened.url })
      await client.connect()
      try {
        counts.schemas += 1
        const appRole = opened.role('app')
        const report = await opened.verify()
        const trial = await Trial.open(client, { appRole })
        const harm: string[] = []
        for (const finding of report.findings) {
          counts.fixes += 1
          if (splitStatements(finding.fix).statements.length === 0) {
            counts.comments += 1
            told.push(`${name}: comment ${finding.severity} ${finding.rule}: ${finding.fix.split('\n')[0]}`)
            continue
          }
          const verdict = await tryFix(trial, finding)
          if (verdict.harmless) counts.statements += 1
          else {
            counts.kept += 1
            told.push(`${name}: ${finding.rule} on ${finding.object}: ${verdict.reason}`)
          }
        }
        // As they are printed: by themselves and all together.
        const printed = (await triedFixes(trial, report.findings)).map(({ fix }) => fix)
        const together = await trial.try([...new Set(printed)].join('\n'))
        if (together.refused !== undefined) harm.push(`all fixes together: ${together.refused}`)
        if (!isHarmless(together.differences))
          harm.push(
            ...tell(together.differences.filter(({ kind }) => kind !== 'closed')).map((line) => `all fixes: ${line}`),
          )
        await trial.close()
        const plan = await planFor({ databaseUrl: opened.url, appRole, seal: false })
        const again = await Trial.open(client, { appRole })
        const result = await again.try(sqlOf(togetherOf(plan).up))
        await again.close()
        counts.protects += 1
        if (result.refused !== undefined) harm.push(`protect: ${result.refused}`)
        // Row security wakes them up, and the file names them above the statement.
        const named = /take effect now:[\s\S]*\(restrictive\)/.test(sqlOf(togetherOf(plan).up))
        if (!isHarmless(result.differences) && !named)
          harm.push(
            ...tell(result.differences.filter(({ kind }) => kind !== 'closed')).map((line) => `protect: ${line}`),
          )
        counts.harmful += harm.length
        expect(harm, sqlOf(togetherOf(plan).up)).toEqual([])
      } finally {
        await client.end()
        await opened.close()
      }
    })
  it('saw at least sixty schemas', () => expect(counts.schemas).toBeGreaterThanOrEqual(60))
})

afterAll(() => {
  process.stdout.write(`\n${told.join('\n')}\n${JSON.stringify(counts)}\n`)
})
