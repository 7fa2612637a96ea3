import type { Expr } from '../sql/tree.ts'
import { isUserWritable } from '../tenancy/discovery/settings.ts'
import { type Shape, userClaim } from './atom-reader.ts'
import { isUnjudged } from './casts.ts'
import { peel } from './rewrite.ts'

const RANGES = new Set(['<', '>', '<=', '>=', '<>', '!=', '<> all'])

/** The comparison treats different tenants as equal, such as `lower(tenant_id) = …` or `tenant_id >= …`. */
export const lossy: Shape = (reader) => {
  for (const { op, left, right } of reader.comparisons()) {
    const tenant = [left, right].find((term) => reader.isTenantColumn(term))
    const context = [left, right].find((term) => reader.isContext(term) || term.kind === 'setting')
    if (tenant === undefined || context === undefined) continue
    if (RANGES.has(op))
      return { kind: 'range-compare', certain: true, explanation: `${op} lets in more than one tenant` }
    const loss = left.lossy ?? right.lossy
    // The setting holds a list of tenants: `= ANY (list)` and `list ? id` compare whole ids exactly.
    const { context: source } = reader.facts.tenancy
    if (source.kind === 'tenant' && source.list === true && (op === '?' || op === '= any') && loss === undefined)
      continue
    if (op !== '=') return { kind: 'lossy-compare', certain: true, explanation: `${op} lets in more than one tenant` }
    if (loss !== undefined)
      return {
        kind: 'lossy-compare',
        certain: !isUnjudged(loss),
        explanation: `${loss} makes different tenants equal`,
      }
  }
  for (const atom of reader.atoms) {
    // Arithmetic before the comparison: `tenant % 1000 = setting % 1000` is true for several tenants.
    if (atom.kind === 'operator' && atom.op === '=' && atom.left !== undefined) {
      const sides = [atom.left, atom.right]
      const computed = sides.some((side) => /^[-+*/%&|#^]|<<|>>$/.test(operatorOf(side)))
      const tenant = sides.some((side) => reader.deepTerms(side).some((term) => reader.isTenantColumn(term)))
      const context = sides.some((side) => reader.deepTerms(side).some((term) => reader.isContext(term)))
      if (computed && tenant && context)
        return {
          kind: 'lossy-compare',
          certain: true,
          explanation: 'the ids are changed by arithmetic before they are compared',
        }
    }
    if (atom.kind === 'operator' && (atom.op === '=' || atom.op === '@>' || atom.op === '<@' || atom.op === '?'))
      continue
    const terms = reader.deepTerms(atom)
    if (
      terms.some((term) => reader.isTenantColumn(term)) &&
      terms.some((term) => reader.isContext(term)) &&
      atom.kind !== 'null-test'
    )
      return {
        kind: 'lossy-compare',
        certain: false,
        explanation: 'tenant and setting are compared by something other than =',
      }
  }
  return undefined
}

function operatorOf(expr: Expr): string {
  const inner = peel(expr)
  return inner.kind === 'operator' ? inner.op : ''
}

/** The tenant column is compared with a setting that the application does not set. */
export const settingMismatch: Shape = (reader) => {
  for (const { op, left, right } of reader.comparisons()) {
    if (op !== '=') continue
    const setting = [left, right].find((term) => term.kind === 'setting')
    if (setting?.kind !== 'setting' || ![left, right].some((term) => reader.isTenantColumn(term))) continue
    const name = [setting.use.setting, ...setting.use.path].join('->')
    if (isUserWritable(setting.use)) return userClaim(name)
    return {
      kind: 'setting-mismatch',
      certain: true,
      explanation: `it reads ${name}, which the app does not set`,
      subject: name,
    }
  }
  return undefined
}

/** The context is compared with a column that is not the tenant column. */
export const wrongColumn: Shape = (reader) => {
  for (const { op, left, right } of reader.comparisons()) {
    const own = [left, right].find((term) => reader.isOwnColumn(term) && !reader.isTenantColumn(term))
    if (
      (op === '=' || op === '= any') &&
      own?.kind === 'column' &&
      [left, right].some((term) => term.kind === 'context')
    )
      return {
        kind: 'wrong-column',
        certain: true,
        explanation: `the tenant is compared with ${own.column.name}`,
        subject: own.column.name,
      }
  }
  return undefined
}

/** The policy tests the user and not the tenant. A user may belong to several tenants, whose rows are then mixed. */
export const userNotTenant: Shape = (reader, knows) => {
  const setting = reader
    .comparisons()
    .find(
      ({ op, left, right }) =>
        op === '=' && [left, right].some((term) => term.kind === 'setting' || term.kind === 'key'),
    )
  if (setting === undefined) return undefined
  const { row, table, branch } = reader.input
  const tenantMeets =
    table.kind !== 'child' &&
    branch.instances.some((instance) =>
      instance.relation.columns.some((column) =>
        knows.same(`${instance.id}.${column.name}`, `${row.id}.${table.column.name}`),
      ),
    )
  const who = [setting.left, setting.right].find((term) => term.kind === 'setting')
  const name = who?.kind === 'setting' ? [who.use.setting, ...who.use.path].join('->') : 'the key'
  // If the setting names a user only, reading the rows of all the user's tenants is intended. Writing to them is still a hole.
  const certain = reader.facts.tenancy.context.kind === 'tenant' || reader.input.clause === 'check'
  if (tenantMeets)
    return {
      kind: 'user-not-tenant',
      certain,
      explanation: `all tenants of the user in ${name} are mixed`,
      subject: name,
    }
  const own = [setting.left, setting.right].find((term) => reader.isOwnColumn(term))
  if (own?.kind === 'column')
    return {
      kind: 'user-not-tenant',
      certain,
      explanation: `${own.column.name} = ${name} is the only condition`,
      subject: name,
    }
  return undefined
}

/** The policy tests the database role, which all tenants share. */
export const roleIdentity: Shape = (reader) => {
  const { role } = reader.input
  const names = new Set([role.role.name, reader.facts.tenancy.appRole.name])
  for (const { op, left, right } of reader.comparisons()) {
    const constant = [left, right].find((term) => term.kind === 'constant' && names.has(String(term.value)))
    const own = [left, right].find((term) => reader.isOwnColumn(term))
    if (op === '=' && constant !== undefined && own?.kind === 'column')
      return {
        kind: 'role-identity',
        certain: true,
        explanation: `${own.column.name} is compared with the role that all tenants share`,
        subject: own.column.name,
      }
  }
  return undefined
}
