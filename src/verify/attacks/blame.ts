import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { AttackContext } from '../attack/contexts.ts'
import type { ActingRole, Facts } from '../facts.ts'
import type { Verb } from '../finding.ts'
import type { RuleId } from '../rule-id.ts'

/** Which rule to raise when rows crossed and no static finding says why. */
export function blameForCrossing(
  facts: Facts,
  relation: Relation,
  verb: Verb,
  role: ActingRole,
  context: Pick<AttackContext, 'tenant'>,
): { readonly rule: RuleId; readonly fix: string } {
  const name = qualifiedName(relation)
  if (!relation.rowSecurity)
    return { rule: 'rls-disabled', fix: `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;` }
  if (!facts.protectedFor(relation, role))
    return { rule: 'table-owned-by-app', fix: `ALTER TABLE ${name} FORCE ROW LEVEL SECURITY;` }
  const fix = `-- Rewrite the policies of ${name}: USING and WITH CHECK compare the tenant column with the context, and nothing else.`
  if (context.tenant === undefined) return { rule: 'policy-fail-open', fix }
  if (verb === 'insert') return { rule: 'policy-check-lax', fix }
  return { rule: verb === 'select' ? 'policy-always-true' : 'policy-command-gap', fix }
}

/** `as app → admin, tenant A` */
export function asCrosser(role: ActingRole, context: Pick<AttackContext, 'name'>): string {
  return `as ${role.path.join(' → ')}, ${context.name}`
}
