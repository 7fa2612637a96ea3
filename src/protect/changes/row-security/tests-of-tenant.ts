import { quoteIdentifier } from '../../../catalog/names.ts'
import { sealedRow } from '../../../seal/policy-text.ts'
import type { Planning } from '../../input.ts'
import { contextSql } from '../../sql-text.ts'
import type { Target } from '../../target.ts'

/** `tenant_id = (select …)` on the plain setting. If it is not set, the context is NULL and no row passes. */
export function isolationTest(planning: Planning, target: Target): string {
  return `${quoteIdentifier(target.column.name)} = (select ${contextSql(planning.setting, target.column.cast)})`
}

/** The same test on the sealed context. */
export function sealTest({ column }: Target): string {
  return sealedRow(quoteIdentifier(column.name), column.cast)
}
