import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { crosser } from '../attack/crosser.ts'
import { AS_PLANTER, becomeSql } from '../attack/identity.ts'
import { holdsMarker, markersOf } from '../attack/markers.ts'
import { WRITE_TELLS } from '../attack/repeat-script.ts'
import { baselines } from '../attack/victim-row.ts'
import { type ViewWrite, viewWrites } from '../attack/view-writes.ts'
import { draftsOf } from '../finding/drafts.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { creatableSchemas } from '../readings/creation.ts'
import { matviewExposed, tenantSources } from '../rules/matview-exposed.ts'
import { viewDefiner } from '../rules/view-definer.ts'
import { viewFilterNoBarrier } from '../rules/view-filter-no-barrier.ts'
import { viewNestedDefiner } from '../rules/view-nested-definer.ts'
import { viewWriteNoCheck } from '../rules/view-write-no-check.ts'

const READING = [viewDefiner, viewNestedDefiner, matviewExposed]

/** Reads every view and materialized view as tenant A and looks for B's rows. Writes through the views that are updatable. */
export const throughViews: Attack = {
  name: 'through-views',
  title: 'reads and writes through views and materialized views',
  needs: 'a view or materialized view over a tenant table with planted rows, that a role in reach may use',
  rules: [...READING, viewFilterNoBarrier, viewWriteNoCheck].map((rule) => rule.id),
  async run(arena) {
    const { facts } = arena
    const speaking = new Map(
      [...READING, viewFilterNoBarrier, viewWriteNoCheck].map((rule) => [
        rule,
        new Set(draftsOf(rule, facts).map((draft) => draft.object)),
      ]),
    )
    const said = (rules: typeof READING, view: Relation) =>
      rules.filter((rule) => speaking.get(rule)?.has(view.label) === true).map((rule) => rule.id)
    for (const view of facts.relations) {
      if (view.kind !== 'view' && view.kind !== 'materialized-view') continue
      const labels = tenantSources(facts, view)
      const sources = facts.relations.filter((relation) => labels.includes(relation.label))
      const markers = markersOf(arena, sources)
      if (markers.length === 0) continue
      const seen = await read(arena, view, sources, markers)
      if (seen !== undefined) {
        const rules = said(READING, view)
        // If the table itself shows the rows, the table has the finding and not the view.
        const explained = sources.some((source) => arena.crossed(source, 'select'))
        if (rules.length === 0 && !explained) rules.push(view.kind === 'view' ? 'view-definer' : 'matview-exposed')
        for (const rule of rules) reportView(arena, view, rule, labels, ['select'], seen)
      }
      if (view.kind !== 'view') continue
      if (said([viewFilterNoBarrier], view).length > 0) {
        const leaked = await overtake(arena, view, markers)
        if (leaked !== undefined) reportView(arena, view, 'view-filter-no-barrier', labels, ['select'], leaked)
      }
      const rules = said([viewDefiner, viewWriteNoCheck], view)
      for (const write of await written(arena, view, sources)) {
        if (rules.length === 0 && !sources.some((source) => arena.crossed(source, write.verb)))
          rules.push('view-definer')
        for (const rule of rules) reportView(arena, view, rule, labels, [write.verb], write.what, [write])
      }
    }
  },
}

async function read(
  arena: Arena,
  view: Relation,
  sources: readonly Relation[],
  markers: readonly string[],
): Promise<string | undefined> {
  const { session } = arena
  const stored = storedBelow(arena, view)
  const sql = `select 1 from ${qualifiedName(view)} as partywall_seen where ${holdsMarker('partywall_seen::text', markers)} limit 1`
  for (const role of arena.facts.reach(view, 'SELECT')) {
    // Refresh materialized views first: they hold the rows of their last refresh, and the planted rows are newer.
    const refresh = `${AS_PLANTER}; ${stored.map((each) => `refresh materialized view ${qualifiedName(each)}; `).join('')}${becomeSql(arena.facts, role)}`
    const answer = await arena.as(role, arena.contexts.a, async () => {
      if (stored.length > 0) await session.run(refresh)
      return session.text(sql)
    })
    if (!answer.ok || answer.value.count === 0) continue
    arena.repeatable(crosser(role, arena.contexts.a), {
      relation: view,
      sources,
      verb: 'select',
      sql: stored.length > 0 ? `${refresh}; ${sql}` : sql,
      saw: 'In this run: 1 row, which holds values of tenant B. Without the leak: no row.',
    })
    return `as ${role.path.join(' → ')}, tenant A: SELECT on ${view.label} returned the planted row of tenant B`
  }
  return undefined
}

/**
 * The materialized views that a view reads, directly or through other views, and the view itself if it is materialized. The innermost comes
 * first.
 */
function storedBelow(arena: Arena, view: Relation): readonly Relation[] {
  const found = new Set<Relation>()
  const seen = new Set<number>()
  const visit = (relation: Relation): void => {
    if (seen.has(relation.oid)) return
    seen.add(relation.oid)
    for (const oid of relation.readsRelations) {
      const read = arena.facts.relationOf(oid)
      if (read?.kind === 'view' || read?.kind === 'materialized-view') visit(read)
    }
    if (relation.kind === 'materialized-view') found.add(relation)
  }
  visit(view)
  return [...found]
}

/**
 * Adds a condition with a low cost, which PostgreSQL evaluates before the view's own condition. The added condition reveals the values that
 * it gets.
 */
async function overtake(arena: Arena, view: Relation, markers: readonly string[]): Promise<string | undefined> {
  const { session, facts } = arena
  const name = qualifiedName(view)
  const texts = view.columns.filter((column) => /^(text|character varying|citext|uuid)$/.test(column.baseType))
  for (const role of facts.reach(view, 'SELECT')) {
    const place = functionPlace(arena, role)
    for (const column of texts) {
      const value = `${name}.${quoteIdentifier(column.name)}`
      session.takeNotices()
      const answer = await arena.as(role, arena.contexts.a, async () => {
        // Turn index scans off: an index on the tenant would find only A's rows, before any condition runs.
        await session.run(
          'set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off',
        )
        if (place === undefined) return session.text(`select 1 from ${name} where ${value}::text::int = 1`)
        await session.run(
          `set local client_min_messages = notice;
           create function ${place}.partywall_told(t text) returns boolean language plpgsql cost 0.000001
             as $told$ begin raise notice '%', t; return true; end $told$`,
        )
        return session.text(`select 1 from ${name} where ${place}.partywall_told(${value}::text)`)
      })
      const told = [...session.takeNotices(), ...(answer.ok ? [] : [answer.error.text])].join('\n')
      if (markers.some((marker) => told.includes(marker)))
        return `as ${role.path.join(' → ')}, tenant A: ${place === undefined ? 'a cast in WHERE' : 'a cheap function in WHERE'} saw ${column.name} of tenant B's row before the view's filter did`
    }
  }
  return undefined
}

function functionPlace(arena: Arena, role: ActingRole): string | undefined {
  if (arena.facts.privileges.onDatabase(role.role.oid, 'TEMPORARY')) return 'pg_temp'
  const schema = creatableSchemas(arena.facts, role)[0]
  return schema === undefined ? undefined : quoteIdentifier(schema)
}

/** A write that reached a row of tenant B in a table. */
interface Written {
  readonly object: string
  readonly verb: ViewWrite['verb']
  readonly what: string
}

async function written(arena: Arena, view: Relation, sources: readonly Relation[]): Promise<readonly Written[]> {
  const found: Written[] = []
  if (view.updatable === 0) return found
  const before = await baselines(arena, sources)
  for (const role of arena.facts.acting.filter((acting) => !acting.bypasses)) {
    const probes = sources.flatMap((source) =>
      viewWrites(arena, view, source, role, before.get(source.oid)).map((probe) => ({
        ...probe,
        object: source.label,
      })),
    )
    if (probes.length === 0) continue
    const answers = await arena.batch(role, arena.contexts.a, probes)
    for (const probe of probes) {
      const answer = answers.get(probe.key)
      if (answer === undefined || !probe.crossed(answer)) continue
      const { object, verb, what, sql, judge } = probe
      found.push({ object, verb, what: `as ${role.path.join(' → ')}, tenant A: ${what}` })
      if (judge !== undefined)
        arena.repeatable(crosser(role, arena.contexts.a), {
          relation: view,
          sources,
          verb,
          sql,
          judge,
          saw: `In this run: ${what}. ${WRITE_TELLS[verb]}`,
        })
    }
  }
  return found
}

function reportView(
  arena: Arena,
  view: Relation,
  rule: RuleId,
  tables: readonly string[],
  verbs: readonly ViewWrite['verb'][],
  evidence: string,
  cells?: readonly Written[],
): void {
  arena.report({
    rule,
    object: view.label,
    verbs,
    tables,
    ...(cells === undefined ? {} : { cells: cells.map(({ object, verb }) => ({ object, verb })) }),
    message: `${view.label} reaches rows of other tenants in ${tables.join(', ')}.`,
    evidence: [evidence],
    fix:
      view.kind === 'view'
        ? `ALTER VIEW ${qualifiedName(view)} SET (security_invoker = true);`
        : `REVOKE ALL ON ${qualifiedName(view)} FROM PUBLIC, ${arena.facts
            .reach(view, 'SELECT')
            .map((role) => quoteIdentifier(role.role.name))
            .join(', ')};`,
  })
}
