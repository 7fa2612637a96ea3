import { functionFinder, settingsOfFunction } from '../../tenancy/discovery/settings.ts'
import type { Rule } from '../finding/rule.ts'
import { policyFindings } from '../readings/policy-finding.ts'
import { decidingFunctions } from '../readings/policy-functions.ts'

export const policyFunctionConstant: Rule = {
  id: 'policy-function-constant',
  group: 'policy',
  title: "A function in a policy does not follow the session's tenant",
  severity: 'critical',
  meaning:
    'The function is true for every tenant, turns errors into true, or is IMMUTABLE and keeps the first tenant in a cached plan.',
  remedy: 'Declare the function STABLE, compare the tenant in it, and do not catch errors.',
  *run(facts) {
    yield* policyFindings(facts, 'policy-function-constant', {
      message: () => 'calls a function that is true for every tenant',
    })
    const functions = functionFinder(facts.catalog)
    for (const { fn, uses, tables, inPolicy } of decidingFunctions(facts)) {
      if (!inPolicy || fn.volatility !== 'immutable' || fn.kind !== 'function') continue
      const settings = settingsOfFunction(fn, facts.sql, functions)
      if (settings.length === 0) continue
      yield {
        object: fn.label,
        message: `${fn.label} reads a setting and is marked IMMUTABLE: a cached plan keeps the value of one tenant and shows its rows to the next.`,
        evidence: [...uses, `reads ${settings.map((use) => use.setting).join(', ')}`],
        tables,
        verbs: ['select'],
        fix: `ALTER FUNCTION ${fn.signature} STABLE;`,
      }
    }
  },
}
