import type { Evidence } from '../src/report/evidence.ts'
import type { ChecklistLineId } from '../src/report/lines.ts'
import type { AttackResult } from './run-attacks.ts'

const BY = 'npm run demo -- --once'

/** Checklist lines about files, each with the line whose evidence shows that the file was used in this run. */
const outputs: readonly (readonly [output: ChecklistLineId, provedBy: ChecklistLineId, detail: string])[] = [
  ['output-tenant-context', 'completed-context-middleware', 'opened the context of every request of this run'],
  ['output-repository', 'completed-repository', 'answered every request for rows in this run'],
]

/** Results of one run's attacks for the checklist. */
export function evidenceOf(results: readonly AttackResult[]): readonly Evidence[] {
  const byLine = new Map<ChecklistLineId, AttackResult[]>()
  for (const result of results) {
    for (const line of result.attack.lines) byLine.set(line, [...(byLine.get(line) ?? []), result])
  }
  for (const [output, provedBy] of outputs) byLine.set(output, byLine.get(provedBy) ?? [])
  return [...byLine].map(([line, list]): Evidence => {
    const broken = list.filter((result) => !result.outcome.held)
    const known = outputs.find(([output]) => output === line)
    if (broken.length > 0) {
      const titles = broken.map((result) => result.attack.title).join('; ')
      return { line, verdict: 'failed', by: BY, count: broken.length, detail: `got through: ${titles}` }
    }
    const groups = [...new Set(list.map((result) => result.group))].join('; ')
    return {
      line,
      verdict: 'proved',
      by: BY,
      count: list.length,
      detail: known === undefined ? `held: ${groups}` : known[2],
    }
  })
}
