import type { Column, Policy, Relation } from '../../catalog/model.ts'
import type { Expr } from '../../sql/tree.ts'
import { walkExpression } from '../../sql/walk.ts'
import { functionFinder, type SettingUse, settingsIn } from '../../tenancy/discovery/settings.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** The expressions of a policy as trees. */
function expressionsOf(facts: Facts, policy: Policy | undefined): readonly Expr[] {
  return [policy?.using, policy?.check].flatMap((text) => {
    const parsed = text === undefined ? undefined : facts.sql.expression(text)
    return parsed?.ok === true ? [parsed.value] : []
  })
}

/** The constants in the policy's expressions. */
export function literalsOf(facts: Facts, policy: Policy | undefined): readonly string[] {
  const found = new Set<string>()
  for (const expr of expressionsOf(facts, policy))
    walkExpression(expr, {
      expression: (part) => {
        if (part.kind === 'constant' && part.value !== null && part.value !== '') found.add(String(part.value))
      },
    })
  return [...found]
}

/** Columns of the policy's own table that its expressions name. */
export function columnsIn(facts: Facts, relation: Relation, policy: Policy | undefined): readonly Column[] {
  const names = new Set<string>()
  for (const expr of expressionsOf(facts, policy))
    walkExpression(expr, {
      expression: (part) => {
        if (part.kind === 'column' && (part.table === undefined || part.table === relation.name)) names.add(part.name)
      },
    })
  return relation.columns.filter((column) => names.has(column.name))
}

/** All settings that the policy reads, directly or through functions. */
export function settingsRead(facts: Facts, policy: Policy | undefined): readonly SettingUse[] {
  const functions = functionFinder(facts.catalog)
  return expressionsOf(facts, policy).flatMap((expr) => settingsIn(expr, facts.sql, functions))
}
