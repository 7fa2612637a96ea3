import { qualifiedName } from '../../catalog/names.ts'
import type { Attack } from '../attack/attack.ts'
import type { BatchProbe } from '../attack/batch.ts'
import { draftsOf } from '../finding/drafts.ts'
import { policyEmptyStringError } from '../rules/policy-empty-string-error.ts'

/** invalid_text_representation: the error of a cast of '' to uuid or to a number. */
const INVALID_TEXT = '22P02'

/** Reads while the setting is the empty string. A transaction-local setting has this value on a pooled connection after the transaction. */
export const emptySetting: Attack = {
  name: 'empty-setting',
  title: 'reads with the empty setting that a transaction leaves on a pooled connection',
  needs: 'a policy that ends in an error with the empty setting',
  rules: ['policy-empty-string-error'],
  async run(arena) {
    const { facts, contexts } = arena
    const drafts = draftsOf(policyEmptyStringError, facts)
    const empty = contexts.strangers[0]
    if (drafts.length === 0 || empty === undefined) return
    const labels = new Set(drafts.map((draft) => draft.object))
    const relations = facts.relations.filter((relation) => labels.has(relation.label))
    const failed = new Map<string, string>()
    for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
      const probes: readonly BatchProbe[] = relations
        .filter((relation) => !failed.has(relation.label) && facts.reach(relation, 'SELECT').includes(role))
        .map((relation) => ({ key: relation.label, sql: `select 1 from ${qualifiedName(relation)} limit 1` }))
      // Control: if the table can't be read with a tenant either, the error has another cause.
      const own = await arena.batch(role, contexts.a, probes)
      const answers = await arena.batch(role, empty, probes)
      for (const { key } of probes)
        if (own.get(key)?.ok === true && answers.get(key)?.code === INVALID_TEXT)
          failed.set(key, `as ${role.path.join(' → ')}, ${empty.name}: SELECT failed with ${INVALID_TEXT}`)
    }
    for (const draft of drafts) {
      const seen = failed.get(draft.object)
      if (seen !== undefined) arena.report({ ...draft, rule: 'policy-empty-string-error', verbs: [], evidence: [seen] })
    }
  },
}
