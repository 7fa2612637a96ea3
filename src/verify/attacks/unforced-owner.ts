import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import type { BatchProbe } from '../attack/batch.ts'
import { crosser } from '../attack/crosser.ts'
import { AS_PLANTER } from '../attack/identity.ts'
import { victimRead } from '../attack/victim-read.ts'
import { draftsOf } from '../finding/drafts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { rlsNotForced } from '../rules/rls-not-forced.ts'

interface OwnerProbe extends BatchProbe {
  readonly relation: Relation
  readonly draft: FindingDraft
}

/** Reads as the owner of the table, as migrations, SECURITY DEFINER functions and views of that owner do. */
export const unforcedOwner: Attack = {
  name: 'unforced-owner',
  title: 'reads as an owner without SUPERUSER and BYPASSRLS, to whom the policies do not apply',
  needs: 'a tenant table with row-level security that is not forced',
  rules: ['rls-not-forced'],
  async run(arena) {
    const { facts } = arena
    const drafts = new Map(draftsOf(rlsNotForced, facts).map((draft) => [draft.object, draft]))
    const relations = facts.relations.filter((relation) => drafts.has(relation.label))
    for (const oid of new Set(relations.map((relation) => relation.owner))) {
      const role = facts.catalog.roles.get(oid)
      if (role === undefined) continue
      const owner: ActingRole = { role, path: [role.name], rights: facts.graph.rightsOf(oid), bypasses: false }
      const probes = relations.flatMap((relation): readonly OwnerProbe[] => {
        const sql = relation.owner === oid ? victimRead(arena, relation, owner) : undefined
        const draft = drafts.get(relation.label)
        return sql === undefined || draft === undefined ? [] : [{ key: relation.label, sql, relation, draft }]
      })
      if (role.superuser || role.bypassRls) await readAsOrdinaryOwner(arena, owner, probes)
      else await readAsOwner(arena, owner, probes)
    }
  },
}

async function readAsOwner(arena: Arena, owner: ActingRole, probes: readonly OwnerProbe[]): Promise<void> {
  const { contexts } = arena
  const answers = await arena.batch(owner, contexts.a, probes)
  for (const { key, sql, relation, draft } of probes) {
    const answer = answers.get(key)
    if (answer?.ok !== true || answer.rows === 0) continue
    arena.report({
      ...draft,
      rule: 'rls-not-forced',
      evidence: [`as ${owner.role.name}, tenant A: SELECT returned the planted row of tenant B`],
    })
    const saw = 'In this run: 1 row, of tenant B. With FORCE: no row.'
    arena.repeatable(crosser(owner, contexts.a), { rule: 'rls-not-forced', relation, verb: 'select', sql, saw })
  }
}

/**
 * Row-level security never applies to a superuser or a role with BYPASSRLS, with or without FORCE, so a read by such an owner proves
 * nothing. The table therefore gets an ordinary owner for the probe, which is rolled back.
 */
async function readAsOrdinaryOwner(arena: Arena, owner: ActingRole, probes: readonly OwnerProbe[]): Promise<void> {
  const { contexts, session } = arena
  if (!arena.facts.catalog.reader.superuser) return
  const ordinary = `partywall_owner_${arena.planting.nonce}`
  for (const { sql, relation, draft } of probes) {
    const become = ordinaryOwnerSql(ordinary, relation)
    const answer = await session.probe(async () => {
      await session.run(`${become}; ${contexts.a.sql(owner)}select 1`)
      return (await session.text(sql)).count
    })
    if (!answer.ok || answer.value === 0) continue
    arena.report({
      ...draft,
      rule: 'rls-not-forced',
      evidence: [
        'for this probe the table got an owner that is neither a superuser nor has BYPASSRLS',
        'as an ordinary owner, tenant A: SELECT returned the planted row of tenant B',
      ],
    })
    const saw =
      'In this run: 1 row, of tenant B. With FORCE: no row, or an error if the policies need a privilege that this owner lacks.'
    const by = { ...crosser(owner, contexts.a), name: 'as an ordinary owner, tenant A' }
    arena.repeatable(by, {
      rule: 'rls-not-forced',
      relation,
      verb: 'select',
      sql: `${AS_PLANTER}; ${become}; ${sql}`,
      saw,
    })
  }
}

function ordinaryOwnerSql(name: string, relation: Relation): string {
  const role = quoteIdentifier(name)
  return [
    `create role ${role} nologin`,
    `grant usage on schema ${quoteIdentifier(relation.schema)} to ${role}`,
    `alter table ${qualifiedName(relation)} owner to ${role}`,
    `set local role ${role}`,
  ].join('; ')
}
