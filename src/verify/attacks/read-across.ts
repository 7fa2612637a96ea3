import type { Relation } from '../../catalog/model.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { crossingOf } from '../attack/blame.ts'
import { type Crosser, crosser } from '../attack/crosser.ts'
import type { Side } from '../attack/planting.ts'
import { plantedRow, type ReadProbe, readProbe } from '../attack/row-filters.ts'

/** Reads every table that is bound to a tenant, as every role of the application. A row of the other tenant in the result is a crossing. */
export const readAcross: Attack = {
  name: 'read-across',
  title: 'reads each table as another tenant, and without a tenant',
  needs: 'a tenant table with a planted row that a role in reach may read',
  rules: ['rls-disabled', 'policy-always-true', 'policy-fail-open', 'partition-exposed', 'untenanted-child'],
  passes: ['set', 'never-set'],
  async run(arena) {
    const { facts } = arena
    const crossed = new Set<Relation>()
    const tried = new Set<Relation>()
    for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
      for (const context of arena.attackers) {
        const victims: readonly Side[] = context.tenant === 'a' ? ['b'] : ['a', 'b']
        const probes = victims
          .flatMap((victim) => readProbes(arena, role, victim))
          .filter(({ relation }) => arena.worthTrying(relation, 'select', role, context))
        const answers = await arena.batch(role, context, probes)
        for (const probe of probes) {
          const { key, relation } = probe
          const answer = answers.get(key)
          if (answer === undefined) continue
          tried.add(relation)
          arena.attempted(relation, 'select', role)
          if (!answer.ok || answer.rows === 0) continue
          crossed.add(relation)
          reportRead(arena, probe, crosser(role, context), answer.rows)
        }
      }
    }
    for (const relation of facts.relations) {
      if (facts.tenantTable(relation) === undefined || facts.reach(relation, 'SELECT').length === 0) continue
      if (tried.has(relation) && !crossed.has(relation)) arena.held(relation, 'select')
      else if (!tried.has(relation)) arena.notTried(relation, 'select', whyNotPlanted(arena, relation))
    }
  },
}

export function whyNotPlanted(arena: Arena, relation: Relation): string {
  const failure = arena.planting.failures.get(relation.oid)
  return failure === undefined ? 'no row of it could be planted' : `no row could be planted: ${failure}`
}

/** One SELECT for each table that the role may read and in which the victim has a row. */
export function readProbes(
  arena: Arena,
  role: ActingRole,
  victim: Side,
  relations = arena.facts.relations,
): readonly ReadProbe[] {
  const { facts } = arena
  return relations.flatMap((relation) => {
    if (facts.tenantTable(relation) === undefined) return []
    const row = plantedRow(arena, relation, victim)
    if (row === undefined || !facts.privileges.onRelation(role.role.oid, relation, 'SELECT')) return []
    return readProbe(arena, role, victim, { relation, row }) ?? []
  })
}

function reportRead(arena: Arena, { relation, victim, sql }: ReadProbe, by: Crosser, rows: number): void {
  arena.report(
    crossingOf(arena.facts, relation, 'select', by, {
      message: `Rows of another tenant can be read from ${relation.label}.`,
      evidence: [`${by.name}: SELECT returned the planted row of tenant ${victim.toUpperCase()}`],
    }),
  )
  const saw = `In this run: ${rows} ${rows === 1 ? 'row' : 'rows'}, of tenant ${victim.toUpperCase()}. Without the leak: no row.`
  arena.repeatable(by, { relation, verb: 'select', sql, saw })
}
