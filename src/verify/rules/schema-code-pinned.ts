import { schemasNamedBy } from '../../tenancy/fleet/read-fleet.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const schemaCodePinned: Rule = {
  id: 'schema-code-pinned',
  group: 'code',
  title: 'Code that several tenants use names the schema of one',
  severity: 'high',
  meaning:
    'A function, trigger or view that all tenants use reads or writes the tables of the tenant whose schema it names.',
  remedy: 'Create the code in each schema, or let it use the path of the caller without SECURITY DEFINER.',
  *run(facts) {
    const { fleet } = facts
    if (fleet === undefined) return
    const names = new Set(fleet.schemas.map(({ name }) => name))
    const called = new Map<string, string>()
    for (const { calls, label } of fleet.edges) if (calls !== undefined) called.set(calls, label)
    for (const fn of fleet.functions) {
      const pinned = schemasNamedBy(fn, names)
      const user = called.get(fn.label)
      const isOwn = names.has(fn.schema)
      const foreign = isOwn ? pinned.filter((name) => name !== fn.schema) : pinned
      const shared = isOwn ? user !== undefined && (pinned.length > 0 || fn.definer) : fn.executable
      if (!(isOwn ? shared || foreign.length > 0 : shared && pinned.length > 0)) continue
      const target = foreign[0] ?? fn.schema
      yield {
        object: fn.label,
        ...(fn.definer
          ? {}
          : chosenSeverity(
              'medium',
              'The function runs with the rights of its caller, whose grants and policies apply.',
            )),
        message: `${fn.label} names schema ${target}${user === undefined ? ', and other tenants may call it' : `, and a trigger of ${user} calls it`}: it uses the tables of that tenant for all of them${fn.definer ? ', with the rights of its owner' : ''}.`,
        evidence: [fn.path === undefined ? 'its body names the schema' : `SET search_path = ${fn.path}`],
        fix: `-- Create the function in each schema with a path of its own, and DROP FUNCTION ${fn.label}.`,
      }
    }
    for (const { label, schema, reads, reach } of fleet.outsideViews) {
      if (reach.length === 0) continue
      yield {
        object: label,
        message: `${label} reads ${reads} of schema ${schema}, and all tenants may use the view.`,
        evidence: [`${label} -> ${reads}`],
        fix: `-- Create the view in schema ${schema}, and revoke the rights on ${label}.`,
      }
    }
  },
}
