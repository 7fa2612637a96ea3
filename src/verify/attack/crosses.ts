import type { Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from './arena.ts'
import type { AttackContext } from './contexts.ts'
import { victimRead } from './victim-read.ts'
import { baselines } from './victim-row.ts'
import { writeProbes } from './write-probes.ts'

/** Whether a role reaches the planted row of tenant B by this verb, in this context. */
export async function crosses(
  arena: Arena,
  relation: Relation,
  verb: Verb,
  role: ActingRole,
  context: AttackContext,
): Promise<boolean> {
  if (verb === 'select') {
    const read = victimRead(arena, relation, role)
    if (read === undefined) return false
    const answer = await arena.as(role, context, () => arena.session.text(read))
    return answer.ok && answer.value.count > 0
  }
  const baseline = (await baselines(arena, [relation])).get(relation.oid)
  if (baseline === undefined) return false
  const probes = writeProbes(arena, relation, role, true).filter(
    (probe) => probe.verb === verb && probe.isAttack !== false,
  )
  const answers = await arena.batch(role, context, probes)
  return probes.some((probe) => {
    const answer = answers.get(probe.key)
    return answer !== undefined && probe.crossed(answer, baseline)
  })
}
