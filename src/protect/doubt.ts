import { stanceOf, usersPolicies } from './changes/row-security/stance.ts'
import type { Planning } from './input.ts'
import type { Target } from './target.ts'

/**
 * Why a policy that reads the setting might break the application: perhaps its sessions do not set the setting, or set it to a value of
 * another type. Undefined if the schema or the command line shows that sessions name their tenant by this setting.
 */
export function doubtOf({ sessionCall, contextTypes, setting }: Planning, target: Target): string | undefined {
  const { column } = target
  if (sessionCall !== undefined)
    return `The policies of this schema ask for ${sessionCall}, not for a tenant in ${setting.setting}, so perhaps the sessions do not set it.`
  const asked = askedInstead(target)
  if (asked !== undefined)
    return `The policies of this table ask for ${asked} and never for ${column.name}, which may be empty or hold another tenant's id.`
  const families = new Set([...contextTypes].map(familyOf))
  // The text of a tenant's id is the same for a domain and for the type below it.
  const own = [column.cast, column.existing?.baseType ?? column.cast]
  if (families.size === 0 || own.some((type) => families.has(familyOf(type)))) return undefined
  return `Elsewhere ${setting.setting} is compared with ${[...contextTypes].join(' and ')}, and ${column.name} is ${column.type} here.`
}

/** The columns that the table's own policies test, if the tenant column is not one of them. */
function askedInstead({ relation, column }: Target): string | undefined {
  if (column.existing === undefined || stanceOf(relation) !== 'own') return undefined
  const permissive = usersPolicies(relation).filter((policy) => policy.permissive)
  const words = new Set(
    permissive.flatMap(({ using, check }) => `${using ?? ''} ${check ?? ''}`.match(/[\w$\u0080-\uffff]+/g) ?? []),
  )
  if (words.has(column.name)) return undefined
  const others = relation.columns.filter(({ name }) => words.has(name)).map(({ name }) => name)
  return others.length === 0 ? undefined : others.join(', ')
}

/** Groups types whose values have the same text form, so that one text can be cast to each of them. */
function familyOf(type: string): string {
  if (/^(smallint|integer|bigint|numeric)/.test(type)) return 'number'
  if (/^(text|character|bpchar|citext|name)/.test(type.replace(/^.*\./, ''))) return 'text'
  return type
}
