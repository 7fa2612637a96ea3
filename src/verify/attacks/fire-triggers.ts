import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { isHarmless } from '../attack/harmless.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { pointers } from '../attack/pointing-rows.ts'
import { literal, variantInsert } from '../attack/variant-row.ts'
import { victimState } from '../attack/victim-state.ts'
import { draftsOf } from '../finding/drafts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { type TenantTrigger, tenantTriggers } from '../readings/trigger-code.ts'
import { triggerDefinerCrosses } from '../rules/trigger-definer-crosses.ts'
import { triggerOverwritesTenant } from '../rules/trigger-overwrites-tenant.ts'

/** Maximum number of tables that are tried. Each takes many round trips, and a large schema has the same trigger on all its tables. */
const MOST_TABLES = 60

/** Writes rows of A that point at rows of B, and checks whether triggers changed rows of B. */
export const fireTriggers: Attack = {
  name: 'fire-triggers',
  title: 'fires triggers with rows that point at another tenant’s',
  needs:
    'a trigger that runs with its owner’s rights on rows that the user named, or that takes the tenant from what the user sent',
  rules: ['trigger-definer-crosses', 'trigger-overwrites-tenant'],
  async run(arena) {
    const { facts } = arena
    const byLabel = new Map(facts.relations.map((relation) => [relation.label, relation]))
    const triggers = [...tenantTriggers(facts)].filter(({ fn }) => isHarmless(facts, fn))
    for (const draft of draftsOf(triggerDefinerCrosses, facts)) {
      const targets = (draft.tables ?? []).flatMap((label) => byLabel.get(label) ?? [])
      await report(arena, 'trigger-definer-crosses', draft, async () =>
        firstOf(
          triggers.filter(({ fn }) => fn.label === draft.object),
          (each) => fire(arena, each, targets, targets),
        ),
      )
    }
    const parents = [...facts.tenancy.tables.values()].map(({ relation }) => relation)
    for (const draft of draftsOf(triggerOverwritesTenant, facts).slice(0, MOST_TABLES)) {
      const own = triggers.filter(
        ({ relation, trigger }) => relation.label === draft.object && trigger.name === draft.detail,
      )
      await report(arena, 'trigger-overwrites-tenant', draft, async () =>
        firstOf(own, (each) =>
          fire(
            arena,
            each,
            parents.filter((table) => table !== each.relation),
            [each.relation],
          ),
        ),
      )
    }
  },
}

async function report(
  arena: Arena,
  rule: RuleId,
  draft: FindingDraft,
  attack: () => Promise<string | undefined>,
): Promise<void> {
  const seen = await attack()
  if (seen !== undefined) arena.report({ ...draft, rule, evidence: [seen] })
}

async function firstOf<T>(
  items: readonly T[],
  fn: (item: T) => Promise<string | undefined>,
): Promise<string | undefined> {
  for (const item of items) {
    const found = await fn(item)
    if (found !== undefined) return found
  }
  return undefined
}

/** The evidence if rows of B in `watched` were changed or added after A wrote a row that points at B's row in `targets`. */
async function fire(
  arena: Arena,
  { relation, trigger, fn }: TenantTrigger,
  targets: readonly Relation[],
  watched: readonly Relation[],
): Promise<string | undefined> {
  const { facts, session, contexts } = arena
  const state = victimState(arena, watched)
  if (state === undefined) return undefined
  for (const pointer of pointers(arena, relation, targets)) {
    for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
      for (const { verb, sql } of writes(arena, relation, role, pointer, trigger.events.includes('delete'))) {
        const answer = await session.probe(async () => {
          const before = await looked(arena, state, role)
          await session.run(`${becomeSql(arena.facts, role)};${contexts.a.sql(role)}select 1`)
          for (const statement of sql) await session.run(statement)
          await session.run('set constraints all immediate')
          return before !== undefined && (await looked(arena, state, role)) !== before
        })
        if (answer.ok && answer.value)
          return `as ${role.path.join(' → ')}, tenant A: ${verb} on ${relation.label} with ${pointer.column.name} of tenant B's row in ${pointer.to.label} fired ${trigger.name}, and ${fn.name}() changed rows of tenant B in ${watched.map((table) => table.label).join(', ')}`
      }
    }
  }
  return undefined
}

async function looked(arena: Arena, state: string, role: ActingRole): Promise<string | null | undefined> {
  await arena.session.run(AS_PLANTER)
  if (!arena.facts.catalog.reader.superuser) await arena.session.run(`${arena.contexts.b.sql(role)}select 1`)
  return Object.values((await arena.session.text(state)).rows[0] ?? {})[0]
}

/** Statements by which A stores a row that points at B's. */
function writes(
  arena: Arena,
  relation: Relation,
  role: ActingRole,
  pointer: ReturnType<typeof pointers>[number],
  deletes: boolean,
): readonly { readonly verb: string; readonly sql: readonly string[] }[] {
  const { privileges } = arena.facts
  const insert = variantInsert(arena, relation, 'a', role, new Map([[pointer.column, pointer.value]]))
  const update = `update ${qualifiedName(relation)} set ${quoteIdentifier(pointer.column.name)} = ${literal(pointer.column, pointer.value)}`
  const mayInsert = insert !== undefined && privileges.onRelation(role.role.oid, relation, 'INSERT')
  const mayUpdate = privileges.onColumn(role.role.oid, relation, pointer.column, 'UPDATE')
  const mayDelete = privileges.onRelation(role.role.oid, relation, 'DELETE')
  return [
    ...(mayInsert ? [{ verb: 'INSERT', sql: [insert] }] : []),
    ...(mayUpdate ? [{ verb: 'UPDATE', sql: [update] }] : []),
    ...(mayInsert && mayDelete && deletes
      ? [{ verb: 'INSERT and DELETE', sql: [insert, `delete from ${qualifiedName(relation)}`] }]
      : []),
  ]
}
