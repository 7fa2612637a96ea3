import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { VERDICT_NAMES, VERDICTS } from '../../src/verify/finding/verdict.ts'

it('docs/verify.md shows the table of verdicts that the code has', async () => {
  const text = await readFile(new URL('../../docs/verify.md', import.meta.url), 'utf8')
  const rows = VERDICT_NAMES.map((name) => {
    const { meaning, exitCode, checklist } = VERDICTS[name]
    return `| \`${name}\` | ${meaning} | ${exitCode === 'finding' ? '1, if the finding is at or above `--fail-on`' : exitCode} | ${checklist} |`
  })
  expect(rows.length).toBe(7)
  for (const row of rows) expect(text).toContain(row)
})
