import { invokerSql } from '../../tenancy/invoker-sql.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { untilCalled } from '../readings/asks-inside.ts'
import { contextGuard } from '../readings/context-guard.ts'
import { callableDefiners, readsWholeRegistry, unheldQueries } from '../readings/definer-code.ts'
import { givenNames, picksBy } from '../readings/given-names.ts'

export const secdefUnfiltered: Rule = {
  id: 'secdef-unfiltered',
  group: 'code',
  title: 'A SECURITY DEFINER function reads or writes the rows of all tenants',
  severity: 'critical',
  meaning:
    "The function runs as an owner to whom no policy applies and never compares the tenant: it works on everybody's rows.",
  remedy: 'Make it SECURITY INVOKER, or compare the tenant in each statement; and revoke EXECUTE from PUBLIC.',
  *run(facts) {
    for (const fn of callableDefiners(facts)) {
      const given = givenNames(facts, fn)
      const open = unheldQueries(facts, fn).filter(({ query, filtered }) => {
        const names = query.where === undefined || !picksBy(query.where, given)
        // If an argument selects the rows, the rule secdef-tenant-argument reports the function.
        return !filtered && (names || fn.arguments.length === 0)
      })
      const registry = open.length === 0 && readsWholeRegistry(facts, fn) ? facts.tenancy.root?.relation : undefined
      if ((open.length === 0 && registry === undefined) || contextGuard(facts, fn) === 'strict') continue
      const tables =
        registry === undefined ? [...new Set(open.map(({ relation }) => relation.label))] : [registry.label]
      yield {
        object: fn.label,
        ...untilCalled(facts, fn),
        // The table of tenants reveals who the customers are, but not their data.
        ...(registry === undefined
          ? {}
          : chosenSeverity(
              'medium',
              'The table of tenants tells who the customers are, and does not hold their data.',
            )),
        message: `${fn.label} runs as ${facts.roleName(fn.owner)}, to which the policies of ${tables.join(', ')} do not apply, and does not compare the tenant with the session's tenant.`,
        evidence: [
          `callable by ${facts
            .executors(fn)
            .map((role) => role.role.name)
            .join(', ')}`,
        ],
        tables,
        verbs: registry === undefined ? [...new Set(open.map(({ verb }) => verb))] : ['select'],
        fix: invokerSql(facts, fn),
      }
    }
  },
}
