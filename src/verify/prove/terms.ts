import type { Column, Relation } from '../../catalog/model.ts'
import { innerSetting, type SettingUse } from '../discovery/settings.ts'
import type { Facts } from '../facts.ts'
import type { Expr } from '../sql/tree.ts'
import { looseCollation, looseColumn, lossyCast } from './casts.ts'
import { peel } from './rewrite.ts'
import type { Instance, Instances } from './scope.ts'

/** What one side of a comparison is. Equal keys are the same value. */
export type Term = {
  readonly key: string /** Why equality on it does not tell tenants apart. */
  readonly lossy: string | undefined
} & (
  | { readonly kind: 'column'; readonly instance: Instance; readonly column: Column }
  /** The tenant of the session: the setting, or what a valid seal names. */
  | { readonly kind: 'context'; readonly sealed: boolean }
  /** The session's user or session key, where that is what the setting holds. */
  | { readonly kind: 'key' }
  | { readonly kind: 'setting'; readonly use: SettingUse }
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | { readonly kind: 'other' }
)

const NO_FUNCTIONS = () => []
const LOSSY_CALLS =
  /^(lower|upper|left|right|substr|substring|btrim|trim|ltrim|rtrim|md5|sha256|hashtext|hashtextextended|split_part|replace|regexp_replace|translate|round|floor|abs|length|initcap|reverse|concat|mod|ceil|date_trunc|trunc|unaccent)$/

/** Reads one side of a comparison, looking through what does not change which rows are equal. */
export function termOf(expr: Expr, facts: Facts, instances: Instances): Term {
  switch (expr.kind) {
    case 'column': {
      const instance = instances.get(expr.table)
      const column = instance?.relation.columns.find((candidate) => candidate.name === expr.name)
      if (instance === undefined || column === undefined) return other(expr)
      return {
        kind: 'column',
        key: `${instance.id}.${column.name}`,
        lossy: looseColumn(facts, column),
        instance,
        column,
      }
    }
    case 'constant':
      return { kind: 'constant', key: `constant ${String(expr.value)}`, lossy: undefined, value: expr.value }
    case 'cast': {
      const inner = termOf(expr.arg, facts, instances)
      return { ...inner, lossy: inner.lossy ?? lossyCast(facts, inner, expr.type) }
    }
    case 'collate': {
      const inner = termOf(expr.arg, facts, instances)
      return { ...inner, lossy: inner.lossy ?? looseCollation(facts, expr.collation) }
    }
    case 'nullif':
      return termOf(expr.left, facts, instances)
    case 'call': {
      if (expr.schema === 'partywall' && expr.name === 'tenant_id')
        return { kind: 'context', key: 'context', lossy: undefined, sealed: true }
      const use = innerSetting(expr, facts.sql, NO_FUNCTIONS)
      if (use !== undefined && expr.name === 'current_setting' && isBuiltIn(expr)) return settingTerm(facts, use)
      const first = expr.args[0]
      if (LOSSY_CALLS.test(expr.name) && first !== undefined) {
        const inner = expr.args
          .map((arg) => termOf(arg, facts, instances))
          .find((term) => term.kind !== 'constant' && term.kind !== 'other')
        if (inner !== undefined) return { ...inner, key: `${expr.name} ${inner.key}`, lossy: `${expr.name}()` }
      }
      return use === undefined ? other(expr) : settingTerm(facts, use)
    }
    case 'operator': {
      if (expr.op === '->>' || expr.op === '#>>' || expr.op === '->') {
        const use = innerSetting(expr, facts.sql, NO_FUNCTIONS)
        if (use !== undefined) return settingTerm(facts, use)
      }
      return other(expr)
    }
    case 'coalesce': {
      // Opened by the brancher where it matters; what is left is a setting with settings behind it.
      const terms = expr.args.map((arg) => termOf(arg, facts, instances))
      const first = terms[0]
      return first !== undefined && terms.every((term) => term.key === first.key || term.kind === 'constant')
        ? first
        : other(expr)
    }
    default:
      return other(expr)
  }
}

function isBuiltIn(call: Extract<Expr, { kind: 'call' }>): boolean {
  return call.schema === undefined || call.schema === 'pg_catalog'
}

function settingTerm(facts: Facts, use: SettingUse): Term {
  const { context } = facts.tenancy
  const key = [use.setting, ...use.path].join('->')
  const known = [context, ...context.alternatives].some(
    (candidate) => [candidate.setting, ...candidate.path].join('->') === key,
  )
  if (!known) return { kind: 'setting', key: `setting ${key}`, lossy: undefined, use }
  return context.kind === 'key'
    ? { kind: 'key', key: 'key', lossy: undefined }
    : { kind: 'context', key: 'context', lossy: undefined, sealed: false }
}

function other(expr: Expr): Term {
  return { kind: 'other', key: `other ${JSON.stringify(peel(expr))}`, lossy: undefined }
}

/** The column that binds a relation's rows to a tenant, if it has one. */
export function tenantColumnOf(facts: Facts, relation: Relation): Column | undefined {
  return facts.tenantTable(relation)?.column
}
