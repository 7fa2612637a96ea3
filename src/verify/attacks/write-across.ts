import type { Relation } from '../../catalog/model.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import type { BatchAnswer } from '../attack/batch.ts'
import { crossingOf } from '../attack/blame.ts'
import type { AttackContext } from '../attack/contexts.ts'
import { type Crosser, crosser } from '../attack/crosser.ts'
import { WRITE_TELLS } from '../attack/repeat-script.ts'
import { plantedRow } from '../attack/row-filters.ts'
import { baselines } from '../attack/victim-row.ts'
import { type WriteProbe, writeProbes } from '../attack/write-probes.ts'
import { whyNotPlanted } from './read-across.ts'

/**
 * Writes into every table without seeing the rows:
 * - UPDATE and DELETE without WHERE and RETURNING, to which no SELECT policy applies;
 * - INSERT of a row for the other tenant;
 * - UPDATE that moves a row of the attacker's own tenant to the other tenant.
 *
 * The planting role then checks what happened to the other tenant's row.
 */
export const writeAcross: Attack = {
  name: 'write-across',
  title: 'updates, deletes, inserts and moves rows of another tenant, blindly',
  needs: 'a tenant table with a planted row that a role in reach may insert, update or delete',
  rules: ['rls-disabled', 'policy-command-gap', 'policy-check-lax', 'policy-always-true'],
  passes: ['set', 'never-set'],
  async run(arena) {
    const { facts } = arena
    const tried = new Set<string>()
    const crossed = new Set<string>()
    const failed = new Map<string, string>()
    const before = await baselines(arena)
    for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
      for (const context of arena.attackers) {
        const probes = facts.relations
          .flatMap((relation) =>
            before.has(relation.oid) ? writeProbes(arena, relation, role, isOpen(arena, relation, role, context)) : [],
          )
          .filter((probe) => probe.isAttack !== false)
          .filter(({ relation, verb }) => arena.worthTrying(relation, verb, role, context))
        const answers = await arena.batch(role, context, probes)
        for (const probe of probes) {
          const answer = answers.get(probe.key)
          const baseline = before.get(probe.relation.oid)
          if (answer === undefined || baseline === undefined) continue
          const key = `${probe.relation.oid}/${probe.verb}`
          arena.attempted(probe.relation, probe.verb, role)
          if (saysSomething(answer)) tried.add(key)
          else failed.set(key, `each try ended in an error: ${firstLine(answer.text)}`)
          if (!probe.crossed(answer, baseline)) continue
          crossed.add(key)
          reportWrite(arena, probe, crosser(role, context))
        }
      }
    }
    for (const relation of facts.relations) {
      if (facts.tenantTable(relation) === undefined) continue
      for (const verb of ['insert', 'update', 'delete'] as const) {
        const key = `${relation.oid}/${verb}`
        if (tried.has(key) && !crossed.has(key)) arena.held(relation, verb)
        else if (!tried.has(key)) arena.notTried(relation, verb, failed.get(key) ?? whyNotTried(arena, relation))
      }
    }
  },
}

/** Whether tenant A tries further statements on the table, because UPDATE or DELETE could not be proved. */
function isOpen(arena: Arena, relation: Relation, role: ActingRole, context: AttackContext): boolean {
  if (context.tenant !== 'a') return false
  return (['update', 'delete'] as const).some((verb) => {
    const { status } = arena.facts.proofs.of(relation, verb, role)
    return status !== 'proved' && status !== 'dark'
  })
}

/** Whether the statement passed or was refused by policies or a trigger. An error of an index or CHECK says nothing about policies. */
function saysSomething(answer: BatchAnswer): boolean {
  return answer.ok || answer.code === '42501' || answer.code === 'P0001'
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}

function whyNotTried(arena: Arena, relation: Relation): string {
  if (plantedRow(arena, relation, 'b') === undefined) return whyNotPlanted(arena, relation)
  return 'the planting role can’t put a row in another tenant’s place, or see it there'
}

function reportWrite(arena: Arena, probe: WriteProbe, by: Crosser): void {
  const { relation, verb, sql, judge } = probe
  arena.report(
    crossingOf(arena.facts, relation, verb, by, {
      message: `Rows of another tenant can be written in ${relation.label}.`,
      evidence: [`${by.name}: ${probe.what}`],
    }),
  )
  if (judge !== undefined)
    arena.repeatable(by, { relation, verb, sql, judge, saw: `In this run: ${probe.what}. ${WRITE_TELLS[verb]}` })
}
