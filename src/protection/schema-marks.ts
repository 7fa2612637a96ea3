import { marksOf } from '../migrate/known-protection.ts'
import type { ProtectedPolicy } from './protected-object.ts'

/** The marks of tenants in the policies of each schema. */
export class SchemaMarks {
  readonly #bySchema = new Map<string, Set<string>>()
  readonly #schemasOf = new Map<string, Set<string>>()

  constructor(policies: readonly ProtectedPolicy[]) {
    for (const policy of policies) {
      const schema = schemaOf(policy)
      for (const mark of marksOf(policy)) {
        addTo(this.#bySchema, schema, mark)
        addTo(this.#schemasOf, mark, schema)
      }
    }
  }

  /** Whether the policy names one tenant, all policies of its schema name the same one, and no other schema's policy does. */
  isOfOneTenant(policy: ProtectedPolicy): boolean {
    const [mark, ...more] = marksOf(policy)
    if (mark === undefined || more.length > 0) return false
    return this.#bySchema.get(schemaOf(policy))?.size === 1 && this.#schemasOf.get(mark)?.size === 1
  }
}

function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([value]))
  else set.add(value)
}

/** The name of a table is quoted where it must be; the schema of a tenant never is. */
function schemaOf({ table }: ProtectedPolicy): string {
  return table.slice(0, table.indexOf('.'))
}
