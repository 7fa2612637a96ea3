import type { EventTrigger } from './catalog.ts'
import { USER_SCHEMA } from './left-out-schemas.ts'
import type { Oid, Queryable, RewriteRule, Trigger } from './model.ts'
import type { Dependencies } from './read-dependencies.ts'

const ENABLED = { O: 'origin', D: 'disabled', R: 'replica', A: 'always' } as const
const EVENTS: Readonly<Record<string, RewriteRule['event']>> = {
  '1': 'select',
  '2': 'update',
  '3': 'insert',
  '4': 'delete',
}

interface TriggerRow extends Record<string, unknown> {
  readonly oid: Oid
  readonly name: string
  readonly relation: Oid
  readonly function: Oid
  readonly enabled: keyof typeof ENABLED
  readonly bits: number
  readonly columns: readonly number[]
  readonly definition: string
}

export async function readTriggers(db: Queryable): Promise<readonly Trigger[]> {
  const { rows } = await db.query<TriggerRow>(`
    select t.oid::int8::float8 as oid, t.tgname::text as name, t.tgrelid::int8::float8 as relation, t.tgfoid::int8::float8 as function,
           t.tgenabled::text as enabled, t.tgtype::int as bits, t.tgattr::int2[]::int[] as columns,
           pg_catalog.pg_get_triggerdef(t.oid) as definition
    from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal and ${USER_SCHEMA} order by 3, 2`)
  return rows.map((row) =>
    Object.freeze({
      oid: row.oid,
      name: row.name,
      relation: row.relation,
      function: row.function,
      enabled: ENABLED[row.enabled],
      timing: row.bits & 64 ? 'instead-of' : row.bits & 2 ? 'before' : 'after',
      events: [
        ...(row.bits & 4 ? (['insert'] as const) : []),
        ...(row.bits & 16 ? (['update'] as const) : []),
        ...(row.bits & 8 ? (['delete'] as const) : []),
        ...(row.bits & 32 ? (['truncate'] as const) : []),
      ],
      forEachRow: (row.bits & 1) === 1,
      updateColumns: row.columns,
      // pg_get_expr can't print WHEN (it has two relations), so the text comes from the definition.
      when: / WHEN \((.*)\) EXECUTE (?:FUNCTION|PROCEDURE) /s.exec(row.definition)?.[1],
      definition: row.definition,
    }),
  )
}

interface RuleRow extends Record<string, unknown> {
  readonly oid: Oid
  readonly name: string
  readonly relation: Oid
  readonly event: string
  readonly instead: boolean
  readonly enabled: string
  readonly definition: string
}

export async function readRules(db: Queryable, dependencies: Dependencies): Promise<readonly RewriteRule[]> {
  const { rows } = await db.query<RuleRow>(`
    select r.oid::int8::float8 as oid, r.rulename::text as name, r.ev_class::int8::float8 as relation, r.ev_type::text as event, r.is_instead as instead,
           r.ev_enabled::text as enabled, pg_catalog.pg_get_ruledef(r.oid) as definition
    from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where r.rulename <> '_RETURN' and ${USER_SCHEMA} order by 3, 2`)
  return rows.map((row) =>
    Object.freeze({
      oid: row.oid,
      name: row.name,
      relation: row.relation,
      event: EVENTS[row.event] ?? 'select',
      instead: row.instead,
      enabled: row.enabled,
      definition: row.definition,
      relations: dependencies.of('pg_rewrite', row.oid, 'pg_class'),
    }),
  )
}

/** The OID of each view's `_RETURN` rule, from which the view's dependencies are found. */
export async function readViewRules(db: Queryable): Promise<ReadonlyMap<Oid, Oid>> {
  const { rows } = await db.query<{ relation: Oid; oid: Oid }>(
    `select ev_class::int8::float8 as relation, oid::int8::float8 as oid from pg_catalog.pg_rewrite where rulename = '_RETURN' and ev_class >= 16384`,
  )
  return new Map(rows.map((row) => [row.relation, row.oid]))
}

export async function readEventTriggers(db: Queryable): Promise<readonly EventTrigger[]> {
  const { rows } = await db.query<EventTrigger & Record<string, unknown>>(`
    select evtname::text as name, evtevent::text as event, evtfoid::int8::float8 as function, evtowner::int8::float8 as owner,
           evtenabled <> 'D' as enabled
    from pg_catalog.pg_event_trigger order by 1`)
  return rows.map((row) => Object.freeze(row))
}
