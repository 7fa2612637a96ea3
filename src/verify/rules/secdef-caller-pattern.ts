import type { MarkedBuiltin } from '../../catalog/read-leakproof.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { callerPatterns } from '../readings/caller-patterns.ts'
import { callableDefiners } from '../readings/definer-code.ts'

export const secdefCallerPattern: Rule = {
  id: 'secdef-caller-pattern',
  group: 'code',
  title: 'A pattern of the caller is compared with the rows of all tenants',
  severity: 'high',
  meaning:
    'A pattern that ends with a backslash raises an error if any row of any tenant matches the text before it: texts can be read one character at a time.',
  remedy:
    "Take text instead of a pattern: escape backslash, % and _ inside of the function, and write the pattern's end there.",
  *run(facts) {
    for (const fn of callableDefiners(facts)) {
      const patterns = callerPatterns(facts, fn)
      if (patterns.length === 0) continue
      const likes = patterns.filter(({ kind }) => kind === 'like')
      const tables = [...new Set(patterns.map(({ relation }) => relation.label))]
      const columns = [...new Set(patterns.map(({ relation, column }) => `${relation.label}.${column}`))]
      const owner = facts.roleName(fn.owner)
      yield {
        object: fn.label,
        ...(likes.length === 0 ? chosenSeverity('low', 'Only the time of a call can tell.') : {}),
        // Whether rows of others are compared depends on the plan, and so on the indexes, the settings and the sizes.
        suspected: true,
        unconfirmed: likes.length === 0 || likes.every(({ perhapsEscaped }) => perhapsEscaped) ? 'low' : 'medium',
        message:
          likes.length === 0
            ? `${fn.label} runs as ${owner}, to which all rows are visible, and compares ${columns.join(', ')} with a regular expression of the caller: the time of a call can tell whether a row of another tenant matches.`
            : `${fn.label} runs as ${owner}, to which all rows are visible, and compares ${columns.join(', ')} with a pattern of the caller. The pattern may be compared before the tenant, and one that ends with a backslash then raises an error if a row of another tenant matches.`,
        evidence: [
          `callable by ${facts
            .executors(fn)
            .map(({ role }) => role.name)
            .join(', ')}`,
        ],
        tables,
        verbs: likes.length === 0 ? [] : ['select'],
        fix: `-- In ${fn.label}, build the pattern from text: '%' || replace(replace(replace(q, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'\n-- and read an index that starts with the tenant column.`,
      }
    }
    for (const marked of facts.catalog.markedBuiltins) yield ofMarked(facts, marked)
  },
}

/** PostgreSQL ships none of these functions as LEAKPROOF. If one is marked LEAKPROOF, it may run before the policies of every table. */
function ofMarked(facts: Facts, { label, signature, kind }: MarkedBuiltin): FindingDraft {
  return {
    object: label,
    ...(kind === 'pattern'
      ? {}
      : chosenSeverity('low', 'The plan tells how many rows were removed, but none of their values.')),
    message:
      kind === 'pattern'
        ? `${label} is marked LEAKPROOF, and PostgreSQL does not ship it so: a pattern of tenant A is compared with rows of other tenants before the policies. A pattern that ends with a backslash then raises an error if one of them matches.`
        : `${label} is marked LEAKPROOF, and PostgreSQL does not ship it so: an index finds rows of other tenants before the policies, and EXPLAIN ANALYZE prints how many were removed.`,
    evidence: [`in database ${facts.catalog.database.name}; pg_dump does not keep the mark`],
    tables: [],
    verbs: kind === 'pattern' ? ['select'] : [],
    fix: `ALTER FUNCTION ${signature} NOT LEAKPROOF;`,
  }
}
