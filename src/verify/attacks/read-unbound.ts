import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { crossingOf } from '../attack/blame.ts'
import { type Crosser, crosser } from '../attack/crosser.ts'
import type { Side } from '../attack/planting.ts'
import { unboundReads } from '../attack/unbound-probes.ts'
import { lookingPolicies } from '../readings/looked-up-tables.ts'
import { secrecyOf } from '../readings/secret-columns.ts'

/** Reads tables without a tenant whose policies decide which rows a session sees, such as `users` through their memberships. */
export const readUnbound: Attack = {
  name: 'read-unbound',
  title: 'reads tables without a tenant whose policies ask for the session',
  needs: 'a table without a tenant, with a planted row, whose policies ask something of the session',
  rules: ['unwalled-secrets'],
  passes: ['set', 'never-set'],
  async run(arena) {
    const { facts } = arena
    const tried = new Set<Relation>()
    const crossed = new Set<Relation>()
    for (const role of facts.acting.filter(({ bypasses }) => !bypasses))
      for (const context of arena.attackers) {
        // Malformed values of the setting tell nothing more about a condition than an empty one.
        if (arena.contexts.strangers.indexOf(context) > 0) continue
        const victims: readonly Side[] = context.tenant === 'a' ? ['b'] : ['a', 'b']
        for (const victim of victims) {
          const probes = unboundReads(arena, role, victim)
          const answers = await arena.batch(role, context, probes)
          for (const { key, relation } of probes) {
            const answer = answers.get(key)
            if (answer === undefined) continue
            tried.add(relation)
            arena.attempted(relation, 'select', role)
            if (!answer.ok || answer.rows === 0) continue
            crossed.add(relation)
            report(arena, relation, victim, crosser(role, context))
          }
        }
      }
    for (const relation of tried) {
      if (crossed.has(relation)) continue
      arena.held(relation, 'select')
      if (arena.pass === 'set') arena.tried('unwalled-secrets', relation.label)
    }
  },
}

/**
 * A row of B was read. This is a crossing if policies of the table look up whose row it is, or if the proof says that only the row's tenant
 * reads it. Otherwise the table may be a list for all tenants: then the read row is a finding if it contains secrets. If not, it is the
 * reason why the table is unproved.
 */
function report(arena: Arena, relation: Relation, victim: Side, by: Crosser): void {
  const { facts } = arena
  const evidence = [`${by.name}: SELECT returned the planted row of tenant ${victim.toUpperCase()}`]
  const proved = facts.proofs.of(relation, 'select', by.role).status === 'proved'
  if (proved || lookingPolicies(facts, relation).length > 0) {
    arena.report(
      crossingOf(facts, relation, 'select', by, {
        message: `Rows of another tenant can be read from ${relation.label}.`,
        evidence,
      }),
    )
    return
  }
  const readsSecrets = relation.columns.some(
    (column) =>
      secrecyOf(relation, column) !== undefined &&
      facts.privileges.onColumn(by.role.role.oid, relation, column, 'SELECT'),
  )
  if (!readsSecrets) {
    arena.notTried(
      relation,
      'select',
      `${by.name}: a row that belongs to tenant ${victim.toUpperCase()} was read, if rows of this table belong to tenants`,
    )
    return
  }
  arena.report({
    rule: 'unwalled-secrets',
    object: relation.label,
    verbs: ['select'],
    message: `One tenant reads secrets or addresses of another in ${relation.label}, which belongs to no tenant.`,
    evidence,
    fix: `-- Rewrite the policies of ${qualifiedName(relation)}, so that they compare a column with the session, or revoke SELECT on the columns.`,
  })
}
