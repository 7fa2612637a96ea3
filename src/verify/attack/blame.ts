import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import type { Crossing } from './arena.ts'
import type { Crosser } from './crosser.ts'

/** Describes a successful attack: as this role and in this context, an attacker reached B's row of the table. */
export function crossingOf(
  facts: Facts,
  relation: Relation,
  verb: Verb,
  by: Crosser,
  told: { readonly message: string; readonly evidence: readonly string[] },
): Crossing {
  return {
    ...told,
    object: relation.label,
    tables: [relation.label],
    verbs: [verb],
    crossing: { relation, verb, by },
    fix: fixFor(facts, relation, by.role),
  }
}

function fixFor(facts: Facts, relation: Relation, role: ActingRole): string {
  const name = qualifiedName(relation)
  if (!relation.rowSecurity) return `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`
  if (!facts.protectedFor(relation, role)) return `ALTER TABLE ${name} FORCE ROW LEVEL SECURITY;`
  return `-- Rewrite the policies of ${name}: USING and WITH CHECK compare the tenant column with the context, and nothing else.`
}
