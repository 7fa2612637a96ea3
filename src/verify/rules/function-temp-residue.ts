import type { Rule } from '../finding/rule.ts'

export const functionTempResidue: Rule = {
  id: 'function-temp-residue',
  group: 'code',
  title: 'A function leaves rows on the connection',
  severity: 'medium',
  meaning:
    'Temporary tables and cursors WITH HOLD survive the transaction: the next tenant on the connection can read them.',
  remedy: 'Create temporary tables with ON COMMIT DROP, and cursors without HOLD.',
  *run(facts) {
    for (const fn of facts.functions) {
      if (!fn.returnsTrigger && facts.executors(fn).length === 0) continue
      const text = withoutComments(fn.source)
      const left: string[] = []
      for (const [statement] of text.matchAll(/create\s+(?:(?:local|global)\s+)?temp(?:orary)?\s+table\b[^;]*/gi)) {
        if (!/on\s+commit\s+drop/i.test(statement)) left.push('CREATE TEMP TABLE without ON COMMIT DROP')
      }
      if (/\bcursor\s+with\s+hold\b/i.test(text)) left.push('a cursor WITH HOLD')
      if (left.length === 0) continue
      yield {
        object: fn.label,
        message: `${fn.label} leaves rows behind (${[...new Set(left)].join(' and ')}): on a pooled connection the next tenant finds them.`,
        evidence: [...new Set(left)],
        fix: `-- Rewrite ${fn.signature}: ON COMMIT DROP, and no cursor WITH HOLD.`,
      }
    }
  },
}

/** The text without SQL comments, which may mention a temporary table. */
function withoutComments(text: string): string {
  return text.replace(/--[^\n]*/g, ' ').replace(/\/\*[\s\S]*?\*\//g, ' ')
}
