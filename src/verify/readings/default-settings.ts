import type { Expr } from '../../sql/tree.ts'
import { type SettingUse, settingsIn } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** The settings that the default of a tenant column reads, by whether they name the tenant of the session. */
export function settingsOfDefault(
  facts: Facts,
  value: Expr,
): { readonly own: readonly SettingUse[]; readonly foreign: readonly SettingUse[] } {
  const { context } = facts.tenancy
  const known = [context.setting, ...context.alternatives.map((use) => use.setting)]
  const uses = settingsIn(value, facts.sql, (schema, name) => facts.functionsNamed(schema, name))
  const isOwn = ({ setting }: SettingUse) => known.includes(setting)
  return { own: uses.filter(isOwn), foreign: uses.filter((use) => !isOwn(use)) }
}
