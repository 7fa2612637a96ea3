import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'
import type { PolicyWeakness } from '../readings/weaknesses.ts'

export const policyColumnOptOut: Rule = {
  id: 'policy-column-opt-out',
  group: 'policy',
  ofProtect: 'always',
  title: 'A column opens rows to every tenant',
  severity: 'high',
  meaning:
    'All tenants read the rows with that value; where the policy is FOR ALL, each tenant can also change or delete them.',
  remedy: 'Share rows on purpose with a separate policy FOR SELECT; keep writes strict.',
  run: (facts) =>
    policyFindings(facts, 'policy-column-opt-out', {
      message: (weakness) => `opens rows by the column ${weakness.subject ?? ''}`,
      // It can be intended that all tenants read a row, but not that all tenants change it.
      severity: (weakness) =>
        weakness.verbs.every((verb) => verb === 'select') && !isDate(weakness)
          ? { level: 'medium', because: 'Only reads are open, and a tenant may share such rows on purpose.' }
          : undefined,
    }),
}

/** `deleted_at IS NOT NULL`: a date column says when something happened to the row, and not that its tenant shares the row. */
function isDate({ relation, subject }: PolicyWeakness): boolean {
  const column = relation.columns.find(({ name }) => name === subject)
  return column !== undefined && column.category === 'D'
}
