import { quoteIdentifier } from '../catalog/names.ts'
import type { RowQuestion } from './explanation.ts'

/** The condition that identifies the row of a question, on the alias `t`, and its parameters. */
export function rowCondition(row: RowQuestion['row']): { readonly where: string; readonly values: readonly string[] } {
  const where = Object.keys(row).map((name, index) => `t.${quoteIdentifier(name)} = $${index + 1}`)
  return { where: where.join(' and '), values: Object.values(row) }
}
