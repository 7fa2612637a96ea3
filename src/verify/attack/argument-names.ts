import type { Column, FunctionArgument, Relation } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** The column of a table that an argument's name refers to: `p_document_id` is `id` of documents, `_email` is `email`. */
export function matchingColumn(facts: Facts, table: Relation, argument: FunctionArgument): Column | undefined {
  const name = argument.name.toLowerCase().replace(/^(?:p|in|arg|v|the|wanted)?_+|_+(?:in|arg|param)?$/g, '')
  if (name === '') return undefined
  const fits = table.columns.filter((column) => column.baseType === argument.baseType)
  const singular = table.name.toLowerCase().replace(/s$/, '')
  const tenant = facts.tenantTable(table)?.column
  return (
    fits.find((column) => column.name.toLowerCase() === name) ??
    (name === `${singular}_id` || name === 'id'
      ? fits.find((column) => column.name.toLowerCase() === 'id')
      : undefined) ??
    (/tenant|org|account|workspace|company|customer/.test(name) ? fits.find((column) => column === tenant) : undefined)
  )
}
