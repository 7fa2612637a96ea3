import { marksOf } from '../migrate/known-protection.ts'
import type { ProtectedPolicy } from './protected-object.ts'

/**
 * The marks in the policies of each schema. A mark is the SHA-256 of a tenant's id: policies in a tenant's own schema compare the session's
 * tenant with it.
 */
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

  /**
   * Whether the policy contains one mark, all policies of its schema contain the same mark, and no policy of another schema contains it.
   */
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

/** PostgreSQL quotes the name of a table if necessary; the name of a tenant's schema never needs quotes. */
function schemaOf({ table }: ProtectedPolicy): string {
  return table.slice(0, table.indexOf('.'))
}
