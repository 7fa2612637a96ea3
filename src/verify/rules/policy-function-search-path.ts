import { quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { decidingFunctions, searchesTempFirst, unqualifiedTables } from '../readings/policy-functions.ts'

export const policyFunctionSearchPath: Rule = {
  id: 'policy-function-search-path',
  group: 'policy',
  title: 'A function in a policy reads any table of that name',
  severity: 'critical',
  meaning: 'An attacker creates a temporary table of that name, adds themselves to it, and the function lets them in.',
  remedy: 'Set search_path on the function with pg_temp last, or write its body as BEGIN ATOMIC.',
  *run(facts) {
    const temp = facts.acting.filter(
      (role) => !role.bypasses && facts.privileges.onDatabase(role.role.oid, 'TEMPORARY'),
    )
    if (temp.length === 0) return
    for (const { fn, uses, tables, inPolicy } of decidingFunctions(facts)) {
      if (!inPolicy || !searchesTempFirst(fn)) continue
      const names = unqualifiedTables(facts, fn).filter((name) => facts.relationNamed(undefined, name) !== undefined)
      if (names.length === 0) continue
      const schemas = new Set(names.map((name) => facts.relationNamed(undefined, name)?.schema ?? 'public'))
      yield {
        object: fn.label,
        // To create a temporary table, an attacker must run SQL. Requests to a gateway such as PostgREST can't contain SQL.
        ...(facts.tenancy.appRole.login ? {} : { suspected: true, unconfirmed: 'high' as const }),
        message: `${fn.label} is called by a policy, names ${names.join(', ')} without a schema and searches pg_temp first: a temporary table of that name replaces the real one, and any tenant becomes any other.`,
        evidence: [...uses, `search_path: ${fn.config.get('search_path') ?? 'the caller’s'}`],
        tables,
        verbs: ['select'],
        fix: `ALTER FUNCTION ${fn.signature} SET search_path = ${[...schemas].map(quoteIdentifier).join(', ')}, pg_temp;`,
      }
    }
  },
}
