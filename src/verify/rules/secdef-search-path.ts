import { quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { searchesTempFirst, unqualifiedTables } from '../readings/policy-functions.ts'

export const secdefSearchPath: Rule = {
  id: 'secdef-search-path',
  group: 'code',
  title: "A SECURITY DEFINER function looks names up in the caller's search_path",
  severity: 'high',
  meaning:
    "Objects that the caller puts first (a temporary table, a domain with a CHECK, a function) are then used with the owner's rights.",
  remedy: 'Set search_path on the function with pg_temp last, or write its body as BEGIN ATOMIC.',
  *run(facts) {
    for (const fn of facts.functions) {
      if (!fn.securityDefiner || fn.atomicBody !== undefined || (fn.language !== 'sql' && fn.language !== 'plpgsql'))
        continue
      if (!fn.returnsTrigger && facts.executors(fn).length === 0) continue
      if (facts.acting.some((role) => role.role.oid === fn.owner)) continue
      const path = fn.config.get('search_path')
      const names = unqualifiedTables(facts, fn)
      // With a fixed search_path, only temporary tables can still shadow names, and only names without a schema.
      if (path !== undefined && (names.length === 0 || !searchesTempFirst(fn) || !mayMakeTemporary(facts))) continue
      const schemas = [...new Set(names.map((name) => facts.relationNamed(undefined, name)?.schema ?? fn.schema))]
      const wanted = ['pg_catalog', ...(schemas.length > 0 ? schemas : [fn.schema]), 'pg_temp'].map(quoteIdentifier)
      yield {
        object: fn.label,
        message: `${fn.label} runs as ${facts.roleName(fn.owner)} and looks names up in ${path === undefined ? "the caller's search_path" : 'pg_temp first'}: objects that the caller puts there run as ${facts.roleName(fn.owner)}.`,
        evidence: [
          `search_path: ${path ?? 'not set'}`,
          ...(names.length > 0 ? [`names without a schema: ${names.join(', ')}`] : []),
        ],
        fix: `ALTER ${fn.kind === 'procedure' ? 'PROCEDURE' : 'FUNCTION'} ${fn.signature} SET search_path = ${[...new Set(wanted)].join(', ')};`,
      }
    }
  },
}

function mayMakeTemporary(facts: Facts): boolean {
  return facts.acting.some((role) => facts.privileges.onDatabase(role.role.oid, 'TEMPORARY'))
}
