import type { Planning } from './input.ts'
import type { Target } from './target.ts'

/**
 * Why a policy on the setting might break what works today: the application's sessions may not set it, or set it to something of
 * another type. Undefined where the schema itself, or the command line, says that they name their tenant so.
 */
export function doubtOf({ asksFor, contextTypes, setting }: Planning, { column }: Target): string | undefined {
  if (asksFor !== undefined)
    return `The policies of this schema ask for ${asksFor}, not for a tenant in ${setting.setting}, so sessions may not set that.`
  const families = new Set([...contextTypes].map(familyOf))
  if (families.size === 0 || families.has(familyOf(column.cast))) return undefined
  return `Elsewhere ${setting.setting} is compared with ${[...contextTypes].join(' and ')}, and ${column.name} is ${column.type} here.`
}

/** Types whose values are written alike, so that one text can be cast to each. */
function familyOf(type: string): string {
  if (/^(smallint|integer|bigint|numeric)/.test(type)) return 'number'
  if (/^(text|character|bpchar|citext|name)/.test(type.replace(/^.*\./, ''))) return 'text'
  return type
}
