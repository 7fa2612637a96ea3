import type { Expr } from '../sql/tree.ts'
import { isUserWritable } from '../tenancy/discovery/settings.ts'
import { type AtomReader, type Named, type Shape, userClaim } from './atom-reader.ts'
import { CAUGHT_ERROR } from './caught-error.ts'
import { isSentinel, peel } from './rewrite.ts'
import type { Term } from './term.ts'

/** Matches a branch in which no condition restricts the row. */
export const alwaysTrue: Shape = (reader) => {
  const trivial = reader.atoms.every((atom) => {
    if (atom.kind === 'null-test' && atom.negated) {
      const term = reader.term(atom.arg)
      return (
        reader.isContext(term) ||
        term.kind === 'setting' ||
        reader.isTenantColumn(term) ||
        (term.kind === 'column' && term.column.notNull)
      )
    }
    if (
      atom.kind === 'operator' &&
      atom.left !== undefined &&
      (atom.op === '=' || atom.op === '>=' || atom.op === '<=')
    ) {
      const [left, right] = [reader.term(atom.left), reader.term(atom.right)]
      return left.key === right.key && left.kind !== 'constant' && isOwn(reader, left)
    }
    if (atom.kind === 'operator' && atom.op === '<>' && atom.left !== undefined) {
      // setting <> '' only says that the setting has a value.
      const terms = [reader.term(atom.left), reader.term(atom.right)]
      return terms.some((term) => reader.isContext(term)) && [atom.left, atom.right].some(isSentinel)
    }
    return false
  })
  if (!trivial || reader.input.branch.instances.length > 0) return undefined
  return { kind: 'always-true', certain: true, explanation: 'nothing in it names the tenant of the row' }
}

function isOwn(reader: AtomReader, term: Term): boolean {
  return term.kind !== 'column' || reader.isOwnColumn(term)
}

/** Matches an unqualified name that means a column of the subquery's own table, and not of the row: `t.tenant_id = tenant_id`. */
export const capture: Shape = (reader) => {
  for (const atom of reader.atoms) {
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.left === undefined) continue
    const [left, right] = [reader.term(atom.left), reader.term(atom.right)]
    if (left.kind === 'column' && left.key === right.key && !reader.isOwnColumn(left))
      return {
        kind: 'captured-name',
        certain: true,
        explanation: `${left.column.name} is compared with itself inside the subquery: the name binds to ${left.instance.relation.name}, not to the row`,
        subject: left.instance.relation.label,
      }
  }
  return undefined
}

/**
 * Matches a policy that is true in one of these cases:
 *
 * - no tenant is set;
 * - the policy's comparison with the tenant is false or NULL;
 * - the setting has a certain value;
 * - a function that the policy calls catches an error and returns true.
 */
export const failOpen: Shape = (reader) => {
  // `tenant_id = coalesce(a, b)` becomes two branches. The second is `a IS NULL AND tenant_id = b`. There `a IS NULL` does not open the
  // policy, because the tenant is still compared.
  const alsoComparesTenant = reader
    .comparisons()
    .some(
      ({ op, left, right }) =>
        op === '=' &&
        reader.isContext(left) !== reader.isContext(right) &&
        [left, right].every((term) => term.kind !== 'constant'),
    )
  for (const atom of reader.atoms) {
    const says = (what: string): Named => ({ kind: 'fail-open', certain: true, explanation: what })
    if (atom.kind === 'null-test' && !atom.negated && isContextLike(reader, atom.arg) && !alsoComparesTenant)
      return says('it is true when no tenant is set')
    if (atom.kind === 'boolean-test' && isContextLike(reader, atom.arg)) return says('it is true when no tenant is set')
    if (atom.kind === 'operator' && atom.op === '=' && atom.left !== undefined) {
      const [left, right] = [reader.term(atom.left), reader.term(atom.right)]
      if (
        (reader.isContext(left) && right.kind === 'constant') ||
        (reader.isContext(right) && left.kind === 'constant')
      )
        return says('it is true for all rows if the setting has a certain value')
    }
    if (
      atom.kind === 'boolean-test' &&
      atom.test === 'IS_NOT_TRUE' &&
      reader.deepTerms(atom.arg).some((term) => reader.isContext(term))
    )
      return says('it is true for rows where its comparison with the tenant is false or NULL')
  }
  const swallowed = reader.atoms.some((atom) => atom.kind === 'other' && atom.node === CAUGHT_ERROR)
  if (swallowed)
    return {
      kind: 'swallowed-error',
      certain: true,
      explanation: 'a function that it calls catches an error and then returns true',
    }
  return undefined
}

/** Whether an expression is the context, or a COALESCE or NULLIF of it. */
function isContextLike(reader: AtomReader, expr: Expr): boolean {
  const inner = peel(expr)
  if (inner.kind === 'nullif') return isContextLike(reader, inner.left)
  if (inner.kind === 'coalesce') return inner.args.some((arg) => isContextLike(reader, arg))
  return reader.isContext(reader.term(inner))
}

/**
 * Matches a condition on a setting other than the tenant's, such as `current_setting('app.is_admin') = 'on'`. The condition tests no
 * column.
 */
export const bypassFlag: Shape = (reader) => {
  for (const atom of reader.atoms) {
    const terms = reader.deepTerms(atom)
    const flag = terms.find((term) => term.kind === 'setting')
    if (flag?.kind !== 'setting' || terms.some((term) => term.kind === 'column')) continue
    const name = [flag.use.setting, ...flag.use.path].join('->')
    if (isUserWritable(flag.use)) return userClaim(name)
    return { kind: 'bypass-flag', certain: true, explanation: `any SQL can set ${name}`, subject: name }
  }
  return undefined
}

/** Matches `tenant_id IS NULL OR …`, which shows rows with a NULL tenant to every tenant. */
export const nullTenant: Shape = (reader) => {
  const found = reader.atoms.some(
    (atom) => atom.kind === 'null-test' && !atom.negated && reader.isTenantColumn(reader.term(atom.arg)),
  )
  return found
    ? { kind: 'null-tenant', certain: true, explanation: 'rows with a NULL tenant are shown to every tenant' }
    : undefined
}
