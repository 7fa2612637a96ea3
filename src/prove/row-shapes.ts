import type { Column, Relation } from '../catalog/model.ts'
import type { Expr } from '../sql/tree.ts'
import { walkExpression } from '../sql/walk.ts'
import type { AtomReader, Shape } from './atom-reader.ts'

/** A value in a column of the row shows the row to all tenants, such as `OR is_public`. */
export const columnOptOut: Shape = (reader) => {
  const columns: string[] = []
  if (reader.atoms.some((atom) => reader.isOpaque(atom))) return undefined
  for (const atom of reader.atoms) {
    const terms = reader.deepTerms(atom).filter((term) => term.kind !== 'constant' && term.kind !== 'other')
    const own = terms.find((term) => reader.isOwnColumn(term))
    if (own?.kind === 'column' && terms.every((term) => reader.isOwnColumn(term))) columns.push(own.column.name)
    else if (!isNotNullTest(reader, atom)) return undefined
  }
  if (columns.length === 0 || reader.input.branch.instances.length > 0) return undefined
  return {
    kind: 'column-opt-out',
    certain: true,
    explanation: `a value of ${columns.join(', ')} opens the row to every tenant`,
    subject: columns[0] ?? '',
  }
}

function isNotNullTest(reader: AtomReader, atom: Expr): boolean {
  return atom.kind === 'null-test' && atom.negated && reader.isContext(reader.term(atom.arg))
}

/** A lookup that says nothing about the row: EXISTS (SELECT 1 FROM members WHERE user_id = …). */
export const unrelatedLookup: Shape = (reader, knows) => {
  const { branch, row, table } = reader.input
  if (branch.instances.length === 0) return undefined
  const related = reader.atoms.some((atom) => {
    const terms = reader.deepTerms(atom).filter((term) => term.kind !== 'other' && term.kind !== 'constant')
    // A column that is compared with itself does not connect the lookup with the row.
    return terms.some((term) => reader.isOwnColumn(term)) && new Set(terms.map((term) => term.key)).size > 1
  })
  const opaque = reader.atoms.some((atom) => atom.kind === 'call' || atom.kind === 'subquery' || reader.isOpaque(atom))
  if (related || opaque) return undefined
  if (table.kind !== 'child' && knows.same(`${row.id}.${table.column.name}`, 'context')) return undefined
  return { kind: 'always-true', certain: true, explanation: 'the lookup says nothing about the row' }
}

/**
 * The policy joins the row to a protected lookup table by numbers or names that each tenant assigns for itself. A tenant that has a person 7
 * then sees the rows about person 7 of all tenants.
 */
export const sharedNumber: Shape = (reader) => {
  const { branch, table } = reader.input
  if (branch.instances.length === 0 || table.kind === 'child') return undefined
  let tie: { readonly relation: Relation; readonly column: Column } | undefined
  for (const atom of reader.atoms) {
    const own = reader.deepTerms(atom).filter((term) => reader.isOwnColumn(term))
    if (own.length === 0) continue
    if (own.some((term) => reader.isTenantColumn(term))) return undefined
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.left === undefined) return undefined
    const other = [reader.term(atom.left), reader.term(atom.right)].find((term) => !reader.isOwnColumn(term))
    if (other === undefined || other.kind === 'constant') continue
    if (other.kind !== 'column' || !isCountedByTenant(reader, other.instance.relation, other.column)) return undefined
    tie = { relation: other.instance.relation, column: other.column }
  }
  if (tie === undefined) return undefined
  return {
    kind: 'wrong-column',
    certain: true,
    explanation: `only ${tie.column.name} ties the row to ${tie.relation.name}, and two tenants may have the same value there`,
    subject: tie.column.name,
  }
}

/**
 * Whether two tenants may have the same value in a column of a tenant table. False if a unique key or a foreign key consists of only this
 * column, and for UUIDs, identity columns and columns with a default.
 */
function isCountedByTenant(reader: AtomReader, relation: Relation, column: Column): boolean {
  if (reader.facts.tenantTable(relation)?.kind !== 'tenant') return false
  if (column.baseType === 'uuid' || column.identity !== undefined || column.default !== undefined) return false
  const alone = relation.indexes.some(
    (index) => index.unique && index.columns.length === 1 && index.columns[0] === column.number,
  )
  return (
    !alone &&
    !relation.constraints.some(
      ({ kind, columns }) => kind === 'foreign-key' && columns[0] === column.number && columns.length === 1,
    )
  )
}

/** The branch calls a function whose body the prover can't use. */
export const helper: Shape = (reader) => {
  for (const atom of reader.atoms) {
    let name: string | undefined
    walkExpression(atom, {
      expression: (part) => {
        if (part.kind === 'call' && reader.facts.functionsNamed(part.schema, part.name).length > 0) name ??= part.name
      },
    })
    if (name !== undefined)
      return {
        kind: 'beyond-the-prover',
        certain: false,
        explanation: `the body of ${name}() is beyond the prover`,
        subject: name,
      }
  }
  return undefined
}
