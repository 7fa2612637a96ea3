import type { Rule } from '../finding/rule.ts'

export const leakproofFalse: Rule = {
  id: 'leakproof-false',
  group: 'code',
  title: 'A function is marked LEAKPROOF',
  severity: 'high',
  meaning:
    "The planner may run the function before the policies: anything that it raises, logs or writes tells of other tenants' rows.",
  remedy: 'Declare the function NOT LEAKPROOF.',
  *run(facts) {
    for (const fn of facts.functions) {
      if (!fn.leakproof || facts.executors(fn).length === 0) continue
      yield {
        object: fn.label,
        message: `${fn.label} is marked LEAKPROOF: in a WHERE clause it may see the rows of all tenants before the policies are applied.`,
        evidence: [`language ${fn.language}`],
        verbs: ['select'],
        tables: [],
        fix: `ALTER FUNCTION ${fn.signature} NOT LEAKPROOF;`,
      }
    }
  },
}
