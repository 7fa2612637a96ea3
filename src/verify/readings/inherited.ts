import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { VERBS } from '../../catalog/verbs.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { revokeList } from './grantees.ts'

/** Partitions (or inheriting tables) that a role of the application can use directly and whose policies do not apply to that role. */
export function* exposedHeirs(facts: Facts, partitions: boolean): Iterable<FindingDraft> {
  for (const relation of facts.relations) {
    if (relation.parents.length === 0 || relation.isPartition !== partitions || relation.kind === 'foreign-table')
      continue
    const top = topOf(facts, relation)
    if (facts.tenantTable(relation) === undefined && facts.tenantTable(top) === undefined) continue
    const verbs = unheldVerbs(facts, relation)
    if (verbs.length === 0) continue
    const roles = [
      ...new Set(verbs.flatMap((verb) => facts.reach(relation, privilegeOf(verb)).map((role) => role.role.name))),
    ]
    yield {
      object: relation.label,
      message: `${relation.label} is ${partitions ? 'a partition' : 'a child'} of ${top.label} and can be used directly: the policies of ${top.label} do not apply then.`,
      evidence: [
        `${roles.join(', ')} may ${verbs.join(', ')}`,
        relation.rowSecurity ? 'row-level security is on, but not for this role' : 'row-level security is off',
      ],
      verbs,
      fix: [
        `ALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
        `-- If a query names the table, it then shows no row, because it has no policy of its own. If a query names ${top.label}, the policies of ${top.label} decide. Or:`,
        `-- REVOKE ALL ON ${qualifiedName(relation)} FROM ${revokeList(facts, relation, roles)};`,
      ].join('\n'),
    }
  }
}

/** Verbs that some role in reach (docs/glossary.md) may use on the table, if row-level security does not apply to that role. */
export function unheldVerbs(facts: Facts, relation: Relation): readonly Verb[] {
  return VERBS.filter((verb) =>
    facts.reach(relation, privilegeOf(verb)).some((role) => !facts.protectedFor(relation, role)),
  )
}

function topOf(facts: Facts, relation: Relation): Relation {
  const parent = facts.relationOf(relation.parents[0] ?? 0)
  return parent === undefined ? relation : topOf(facts, parent)
}
