import type { DatabaseFunction, Oid } from '../../catalog/model.ts'
import { type Visitor, walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** A function that policies, triggers, defaults, constraints or indexes of tenant tables call, with the places that call it. */
interface DecidingFunction {
  readonly fn: DatabaseFunction
  /** `policy p on s.t`, `trigger g on s.t`, … */
  readonly uses: readonly string[]
  readonly tables: readonly string[]
  readonly inPolicy: boolean
}

const known = new WeakMap<Facts, readonly DecidingFunction[]>()

/** The functions that policies, triggers, defaults, checks and indexes of tenant tables call, directly or through other functions. */
export function decidingFunctions(facts: Facts): readonly DecidingFunction[] {
  let list = known.get(facts)
  if (list === undefined) {
    list = gather(facts)
    known.set(facts, list)
  }
  return list
}

function gather(facts: Facts): readonly DecidingFunction[] {
  const found = new Map<Oid, { fn: DatabaseFunction; uses: Set<string>; tables: Set<string>; inPolicy: boolean }>()
  const add = (oid: Oid, use: string, table: string, inPolicy: boolean, depth = 0): void => {
    const fn = facts.catalog.functions.get(oid)
    if (fn === undefined || fn.extension !== undefined || fn.schema === 'partywall') return
    const entry = found.get(oid) ?? { fn, uses: new Set<string>(), tables: new Set<string>(), inPolicy: false }
    if (entry.uses.has(use) || depth > 8) return
    found.set(oid, entry)
    entry.uses.add(use)
    entry.tables.add(table)
    entry.inPolicy ||= inPolicy
    for (const inner of calledBy(facts, fn)) add(inner.oid, use, table, inPolicy, depth + 1)
  }
  for (const { relation } of facts.tenancy.tables.values()) {
    for (const policy of relation.policies)
      for (const oid of policy.functions) add(oid, `policy ${policy.name} on ${relation.label}`, relation.label, true)
    for (const trigger of relation.triggers)
      if (trigger.enabled !== 'disabled')
        add(trigger.function, `trigger ${trigger.name} on ${relation.label}`, relation.label, false)
    for (const column of relation.columns) {
      const name = `${relation.label}.${column.name}`
      for (const oid of column.defaultFunctions) add(oid, `default of ${name}`, relation.label, false)
      for (const oid of column.domainFunctions) add(oid, `domain ${column.type} of ${name}`, relation.label, false)
    }
    for (const constraint of relation.constraints)
      for (const oid of constraint.functions)
        add(oid, `constraint ${constraint.name} on ${relation.label}`, relation.label, false)
    for (const index of relation.indexes)
      for (const oid of index.functions) add(oid, `index ${index.name} on ${relation.label}`, relation.label, false)
  }
  for (const trigger of facts.catalog.eventTriggers)
    if (trigger.enabled) add(trigger.function, `event trigger ${trigger.name}`, 'event trigger', false)
  return [...found.values()].map(({ fn, uses, tables, inPolicy }) => ({
    fn,
    uses: [...uses],
    tables: [...tables].filter((table) => table !== 'event trigger'),
    inPolicy,
  }))
}

/** The functions of this database (not of PostgreSQL or of extensions) that a body calls by name. */
export function calledBy(facts: Facts, fn: DatabaseFunction): readonly DatabaseFunction[] {
  const called = new Map<Oid, DatabaseFunction>()
  const visit: Visitor = {
    expression: (expr) => {
      if (expr.kind === 'call')
        for (const inner of facts.functionsNamed(expr.schema, expr.name)) called.set(inner.oid, inner)
    },
  }
  walkBody(facts.sql.body(fn), visit)
  return [...called.values()].filter((inner) => inner.oid !== fn.oid)
}

/** Tables that a body names without a schema. Names of the body's own WITH queries are left out. */
export function unqualifiedTables(facts: Facts, fn: DatabaseFunction): readonly string[] {
  const names = new Set<string>()
  const ctes = new Set<string>()
  walkBody(facts.sql.body(fn), {
    query: (query) => {
      for (const cte of query.with) ctes.add(cte.name)
    },
    table: (item) => {
      if (item.schema === undefined) names.add(item.name)
    },
  })
  return [...names].filter((name) => !ctes.has(name)).sort()
}

/** Whether the function finds temporary objects first. PostgreSQL searches pg_temp first, unless search_path names pg_temp at a later place. */
export function searchesTempFirst(fn: DatabaseFunction): boolean {
  if (fn.atomicBody !== undefined) return false
  const path = fn.config.get('search_path')
  if (path === undefined) return true
  const schemas = path.split(',').map((part) => part.trim().replace(/^"|"$/g, ''))
  const at = schemas.indexOf('pg_temp')
  return at <= 0
}
