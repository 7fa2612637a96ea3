import type { Expr } from '../sql/tree.ts'
import type { SettingUse } from '../tenancy/discovery/settings.ts'
import type { Facts } from '../tenancy/facts.ts'
import { looseCollation, looseColumn, lossyCast, plainType } from './casts.ts'
import { callsGenuineContext } from './genuine.ts'
import { peel } from './rewrite.ts'
import type { Instances } from './scope.ts'
import { settingOf } from './setting-of.ts'
import type { Term } from './term.ts'

const LOSSY_CALLS =
  /^(lower|upper|left|right|substr|substring|btrim|trim|ltrim|rtrim|md5|sha256|hashtext|hashtextextended|split_part|replace|regexp_replace|translate|round|floor|abs|length|initcap|reverse|concat|mod|ceil|date_trunc|trunc|unaccent)$/

/**
 * Reads one side of a comparison. `lossy` names a cast, collation or function around the value that may make different values equal.
 */
export function termOf(expr: Expr, facts: Facts, instances: Instances): Term {
  switch (expr.kind) {
    case 'column':
      return columnTerm(expr, facts, instances)
    case 'constant':
      return {
        kind: 'constant',
        key: `constant ${String(expr.value)}`,
        lossy: undefined,
        type: undefined,
        value: expr.value,
      }
    case 'cast': {
      const inner = termOf(expr.arg, facts, instances)
      return { ...inner, lossy: inner.lossy ?? lossyCast(facts, inner, expr.type), type: plainType(facts, expr.type) }
    }
    case 'collate': {
      const inner = termOf(expr.arg, facts, instances)
      return { ...inner, lossy: inner.lossy ?? looseCollation(facts, expr.collation) }
    }
    case 'nullif':
      return termOf(expr.left, facts, instances)
    case 'call': {
      if (callsGenuineContext(expr, facts))
        return { kind: 'context', key: 'context', lossy: undefined, type: 'text', sealed: true }
      const use = settingOf(expr, facts)
      if (use !== undefined) return settingTerm(facts, use.use, use.type)
      const inner = LOSSY_CALLS.test(expr.name)
        ? expr.args
            .map((arg) => termOf(arg, facts, instances))
            .find((term) => term.kind !== 'constant' && term.kind !== 'other')
        : undefined
      return inner === undefined
        ? other(expr)
        : { ...inner, key: `${expr.name} ${inner.key}`, lossy: `${expr.name}()`, type: undefined }
    }
    case 'operator': {
      const use = settingOf(expr, facts)
      return use === undefined ? other(expr) : settingTerm(facts, use.use, use.type)
    }
    case 'coalesce': {
      // rewrite.ts has already split each COALESCE in an equality. Any other COALESCE counts only if all its arguments are one value, such
      // as several settings that all contain the session's tenant.
      const terms = expr.args.map((arg) => termOf(arg, facts, instances))
      const [first] = terms
      return first !== undefined && terms.every((term) => term.key === first.key && term.kind === first.kind)
        ? first
        : other(expr)
    }
    default:
      return other(expr)
  }
}

function columnTerm(expr: Extract<Expr, { kind: 'column' }>, facts: Facts, instances: Instances): Term {
  if (expr.table?.startsWith('#value') === true)
    return { kind: 'value', key: `${expr.table}.${expr.name}`, lossy: undefined, type: undefined }
  const instance = instances.get(expr.table)
  const column = instance?.relation.columns.find((candidate) => candidate.name === expr.name)
  if (instance === undefined || column === undefined) return other(expr)
  return {
    kind: 'column',
    key: `${instance.id}.${column.name}`,
    lossy: looseColumn(facts, column),
    type: plainType(facts, column.baseType),
    instance,
    column,
  }
}

function settingTerm(facts: Facts, use: SettingUse, type: string): Term {
  const { context } = facts.tenancy
  const key = [use.setting, ...use.path].join('->')
  const known = [context, ...context.alternatives].some(
    (candidate) => [candidate.setting, ...candidate.path].join('->') === key,
  )
  if (!known) return { kind: 'setting', key: `setting ${key}`, lossy: undefined, type, use }
  return context.kind === 'key'
    ? { kind: 'key', key: 'key', lossy: undefined, type }
    : { kind: 'context', key: 'context', lossy: undefined, type, sealed: false }
}

// Keys are cached, because the prover meets the same expression in many branches, and some are whole subqueries. Expressions never change.
const keysOfOthers = new WeakMap<Expr, string>()

function other(expr: Expr): Term {
  let key = keysOfOthers.get(expr)
  if (key === undefined) {
    key = `other ${JSON.stringify(peel(expr))}`
    keysOfOthers.set(expr, key)
  }
  return { kind: 'other', key, lossy: undefined, type: undefined }
}
