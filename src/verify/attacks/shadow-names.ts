import type { DatabaseFunction, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { walkBody } from '../../sql/walk.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import type { Arena } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { argumentLists, filler } from '../attack/call-arguments.ts'
import { isHarmless } from '../attack/harmless.ts'
import { variantInsert } from '../attack/variant-row.ts'
import { draftsOf } from '../finding/drafts.ts'
import { tenantTriggers } from '../readings/trigger-code.ts'
import { secdefSearchPath } from '../rules/secdef-search-path.ts'

const MOST_CALLS = 8
const CAUGHT = 'partywall: caught'

/**
 * Creates temporary views, tables and types with the names that a SECURITY DEFINER function uses, and checks whether the attacker's code
 * then runs as the function's owner.
 */
export const shadowNames: Attack = {
  name: 'shadow-names',
  title: 'hides tables and types of SECURITY DEFINER code behind temporary ones that run the attacker’s code',
  needs:
    'a SECURITY DEFINER function that looks names up in the caller’s search_path, and a role in reach that may create temporary tables',
  rules: ['secdef-search-path'],
  async run(arena) {
    const { facts } = arena
    for (const draft of draftsOf(secdefSearchPath, facts)) {
      const fn = facts.functions.find((each) => each.label === draft.object)
      if (fn === undefined || !isHarmless(facts, fn)) continue
      for (const role of facts.acting) {
        if (role.bypasses || !facts.privileges.onDatabase(role.role.oid, 'TEMPORARY')) continue
        const seen = await capture(arena, fn, role)
        if (seen === undefined) continue
        arena.report({ ...draft, rule: 'secdef-search-path', evidence: [seen] })
        break
      }
    }
  },
}

async function capture(arena: Arena, fn: DatabaseFunction, role: ActingRole): Promise<string | undefined> {
  const { facts, session, contexts } = arena
  const owner = facts.roleName(fn.owner)
  const calls = callsOf(arena, fn, role)
  for (const shadow of shadowsOf(arena, fn)) {
    for (const call of calls.slice(0, MOST_CALLS)) {
      session.takeNotices()
      await arena.as(role, contexts.a, async () => {
        await session.run(`set local client_min_messages = notice;${CATCH}${shadow.sql}`)
        // Without a fixed search_path the function uses the caller's search_path, so put pg_temp first there.
        if (!fn.config.has('search_path'))
          await session.run(
            "select pg_catalog.set_config('search_path', pg_catalog.concat('pg_temp, ', pg_catalog.current_setting('search_path'), ', pg_catalog'), true)",
          )
        // The call may fail on the data of the shadow. The catching code raises a notice, which survives the rollback.
        await session.run(call)
      })
      const said = session.takeNotices()
      if (said.includes(`${CAUGHT} ${owner}`))
        return `as ${role.path.join(' → ')}: a ${shadow.what} put before the one that ${fn.name}() means ran the caller's code as ${owner}`
    }
  }
  return undefined
}

/** Functions that raise a notice with the role that runs them. */
const CATCH = `create function pg_temp.partywall_catch() returns boolean language plpgsql volatile as ${quoteLiteral(
  `begin raise notice '${CAUGHT} %', current_user; return true; end`,
)};create function pg_temp.partywall_catch_row() returns trigger language plpgsql as ${quoteLiteral(
  'begin perform pg_temp.partywall_catch(); return null; end',
)};create function pg_temp.partywall_catch_rows() returns setof record language plpgsql volatile rows 1 as ${quoteLiteral(
  'begin perform pg_temp.partywall_catch(); return; end',
)};`

interface Shadow {
  readonly what: string
  readonly sql: string
}

/**
 * The shadow of a table that the function reads is a view. The shadow of a table that it writes is a table with a trigger. The shadow of a
 * type is a domain with a CHECK.
 */
function shadowsOf(arena: Arena, fn: DatabaseFunction): readonly Shadow[] {
  const { facts } = arena
  const read = new Map<string, Relation>()
  const written = new Map<string, Relation>()
  const types = new Set<string>()
  walkBody(facts.sql.body(fn), {
    query: (query) => {
      const target = query.target
      if (target === undefined || target.schema !== undefined || query.kind === 'select') return
      const relation = facts.relationNamed(undefined, target.name)
      if (relation !== undefined) written.set(target.name, relation)
    },
    table: (item) => {
      const relation = item.schema === undefined ? facts.relationNamed(undefined, item.name) : undefined
      if (relation !== undefined) read.set(item.name, relation)
    },
    expression: (expr) => {
      if (expr.kind === 'cast' && /^(uuid|text|date|jsonb?|citext)$/.test(expr.type)) types.add(expr.type)
    },
  })
  return [
    ...[...written].map(([name, relation]) => ({ what: `temporary table ${name}`, sql: tableSql(name, relation) })),
    ...[...read]
      .filter(([name]) => !written.has(name))
      .map(([name, relation]) => ({ what: `temporary view ${name}`, sql: viewSql(name, relation) })),
    ...[...types].map((type) => ({
      what: `temporary type ${type}`,
      sql: `create domain pg_temp.${quoteIdentifier(type)} as pg_catalog.${quoteIdentifier(type)} check (pg_temp.partywall_catch())`,
    })),
  ]
}

/**
 * The rows come from a function, which the executor calls before it tests any condition of the query. If the columns were constants,
 * PostgreSQL would see during planning that `email = wanted` can't be true, and would not run the view at all.
 */
function viewSql(name: string, relation: Relation): string {
  const columns = relation.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`)
  return `create temporary view ${quoteIdentifier(name)} as select * from pg_temp.partywall_catch_rows() as rows (${columns.join(', ')}); grant select on pg_temp.${quoteIdentifier(name)} to public`
}

function tableSql(name: string, relation: Relation): string {
  const columns = relation.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`)
  const shadow = `pg_temp.${quoteIdentifier(name)}`
  return `create temporary table ${quoteIdentifier(name)} (${columns.join(', ')}); grant all on ${shadow} to public; create trigger partywall_catch before insert or update or delete on ${shadow} for each statement execute function pg_temp.partywall_catch_row()`
}

/** Statements that make the role run the function: a call, or a write to the table whose trigger runs it. */
function callsOf(arena: Arena, fn: DatabaseFunction, role: ActingRole): readonly string[] {
  const { facts } = arena
  if (!fn.returnsTrigger) {
    if (!facts.executors(fn).includes(role)) return []
    const name = `${quoteIdentifier(fn.schema)}.${quoteIdentifier(fn.name)}`
    const verb = fn.kind === 'procedure' ? 'call' : 'select'
    const inputs = fn.arguments.filter(({ mode }) => mode !== 'out' && mode !== 'table')
    // Lists without NULLs come first: a condition on NULL is never true, and a STRICT function does not run with NULL.
    const lists = [inputs.map(filler).join(', '), ...argumentLists(arena, fn, []).map(({ sql }) => sql)]
    return [...new Set(lists)].map((list) => `${verb} ${name}(${list})`)
  }
  return [...tenantTriggers(facts)].flatMap(({ relation, trigger, fn: fired }) => {
    if (fired !== fn) return []
    const insert = trigger.events.includes('insert') ? variantInsert(arena, relation, 'a', role, new Map()) : undefined
    const update = `update ${qualifiedName(relation)} set ${quoteIdentifier(relation.columns[0]?.name ?? '')} = default`
    return [...(insert === undefined ? [] : [insert]), ...(trigger.events.includes('update') ? [update] : [])]
  })
}
