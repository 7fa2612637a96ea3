import type { Expr } from '../sql/tree.ts'
import type { SettingUse } from '../tenancy/discovery/settings.ts'
import type { Facts } from '../tenancy/facts.ts'
import { isBuiltInCall } from './built-in.ts'

/** The setting that an expression reads, and the type of the expression. */
interface SettingRead {
  readonly use: SettingUse
  readonly type: 'text' | 'json'
}

/**
 * The setting that an expression reads: `current_setting('a.b', true)`, or a path into the JSON text of a setting. The expression must be
 * the setting's value itself or NULL.
 *
 * This is stricter than discovery: a setting with a fallback or a function around it is not accepted here.
 */
export function settingOf(expr: Expr, facts: Facts): SettingRead | undefined {
  switch (expr.kind) {
    case 'cast': {
      const inner = /^(text|character varying|json|jsonb)$/.test(expr.type) ? settingOf(expr.arg, facts) : undefined
      return inner === undefined ? undefined : { ...inner, type: expr.type.startsWith('json') ? 'json' : 'text' }
    }
    case 'nullif':
      return settingOf(expr.left, facts)
    case 'operator': {
      if (expr.left === undefined || expr.schema !== undefined || !/^(->>?|#>>)$/.test(expr.op)) return undefined
      const keys = textOf(expr.right)
      if (keys === undefined) return undefined
      const path = expr.op === '#>>' ? keys.replace(/^\{|\}$/g, '').split(',') : [keys]
      return within(expr.left, path, expr.op === '->' ? 'json' : 'text', facts)
    }
    case 'call': {
      const [first, ...more] = expr.args
      if (first === undefined || !isBuiltInCall(expr, facts)) return undefined
      if (expr.name === 'current_setting') {
        const name = textOf(first)
        return name === undefined ? undefined : { use: { setting: name.toLowerCase(), path: [] }, type: 'text' }
      }
      if (!/^jsonb?_extract_path_text$/.test(expr.name)) return undefined
      const path = more.map(textOf).flatMap((key) => (key === undefined ? [] : [key]))
      return path.length === more.length ? within(first, path, 'text', facts) : undefined
    }
    default:
      return undefined
  }
}

function within(
  document: Expr,
  path: readonly string[],
  type: SettingRead['type'],
  facts: Facts,
): SettingRead | undefined {
  const inner = settingOf(document, facts)
  if (inner === undefined) return undefined
  return { use: { setting: inner.use.setting, path: [...inner.use.path, ...path] }, type }
}

function textOf(expr: Expr): string | undefined {
  if (expr.kind === 'cast') return expr.type === 'text' || expr.type === 'text[]' ? textOf(expr.arg) : undefined
  return expr.kind === 'constant' && typeof expr.value === 'string' ? expr.value : undefined
}
