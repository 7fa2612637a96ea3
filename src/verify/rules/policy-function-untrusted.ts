import { quoteIdentifier } from '../../catalog/names.ts'
import { safeOwner } from '../../tenancy/owners.ts'
import type { Rule } from '../finding/rule.ts'
import { decidingFunctions } from '../readings/policy-functions.ts'

export const policyFunctionUntrusted: Rule = {
  id: 'policy-function-untrusted',
  group: 'policy',
  title: 'The application owns a function that decides about rows',
  severity: 'critical',
  meaning:
    "The application's role can replace the function by one that is always true, and the policy or trigger is gone.",
  remedy: 'Give the function and its schema to the migration role.',
  *run(facts) {
    const app = facts.tenancy.appRole.oid
    const becomable = new Set([app, ...facts.becomable.map((path) => path.role.oid)])
    for (const { fn, uses, tables, inPolicy } of decidingFunctions(facts)) {
      const schema = facts.catalog.schemas.get(fn.schemaOid)
      const ownsFunction = becomable.has(fn.owner)
      // The owner of a schema may drop objects of other owners in it, and so replace the function.
      const ownsSchema = schema !== undefined && becomable.has(schema.owner)
      if (!ownsFunction && !ownsSchema) continue
      const owner = safeOwner(facts)
      const statements = [
        ...(ownsFunction ? [`ALTER FUNCTION ${fn.signature} OWNER TO ${quoteIdentifier(owner)};`] : []),
        ...(ownsSchema && schema !== undefined
          ? [`ALTER SCHEMA ${quoteIdentifier(schema.name)} OWNER TO ${quoteIdentifier(owner)};`]
          : []),
      ]
      yield {
        object: fn.label,
        message: `${fn.label} decides about rows (${uses[0]}), and ${ownsFunction ? `its owner ${facts.roleName(fn.owner)}` : `the owner of its schema`} is the app's role or one that it can become: the app can replace it.`,
        evidence: uses,
        tables,
        ...(inPolicy ? { verbs: ['select', 'insert', 'update', 'delete'] as const } : {}),
        fix: statements.join('\n'),
      }
    }
  },
}
