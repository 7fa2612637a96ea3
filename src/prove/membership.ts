import type { Facts } from '../tenancy/facts.ts'
import type { BranchInput } from './branch-input.ts'
import type { Equalities } from './equalities.ts'
import type { Instance } from './scope.ts'
import { termOf } from './terms.ts'

/**
 * Returns the lookup rows that connect the session's key with the tenant of the row `target`. This is for policies whose setting contains
 * the key of a user or session, and not the tenant. Undefined if no lookup rows connect key and tenant.
 */
export function membership(
  input: BranchInput,
  knows: Equalities,
  target: Instance,
  column: string,
): readonly Instance[] | undefined {
  const { facts, branch, row, clause } = input
  if (facts.tenancy.context.kind !== 'key') return undefined
  // In WITH CHECK the new row can't prove its own tenant: attackers can write their own user id next to any tenant's id.
  const isKeys = (instance: Instance) =>
    (instance !== row || clause === 'using') &&
    identifying(facts, instance).some((own) => knows.same(`${instance.id}.${own}`, 'key'))
  // The session's own row names the session's own tenant.
  if (isKeys(target)) return []
  const constants = constantsOf(input)
  const joins: Joins = (one, other) =>
    knows.same(one, other) && !constants.some((constant) => knows.same(one, constant))
  const all = clause === 'check' ? branch.instances : [row, ...branch.instances]
  const lookups = all.filter((instance) => instance !== target)
  // Walk from the rows that contain the session's key to a row that contains the tenant.
  const reached = new Set(lookups.filter(isKeys))
  let grew = true
  while (grew) {
    grew = false
    for (const from of reached)
      for (const to of lookups) {
        if (reached.has(to) || !leads(facts, from, to, isKeys(from), joins)) continue
        reached.add(to)
        grew = true
      }
  }
  const holds = [...reached].some((instance) => {
    const own = tenantOf(facts, instance)
    return own !== undefined && joins(`${instance.id}.${own}`, `${target.id}.${column}`)
  })
  return holds ? [...reached].filter((instance) => instance !== row) : undefined
}

type Joins = (one: string, other: string) => boolean

/**
 * Whether a join shows that two rows belong to the same tenant. Only joins by tenant columns and by keys show this. Rows of several tenants
 * may have the same plan, status or date.
 *
 * @param own whether `from` belongs to the session. If so, and `from` has no tenant column, two more joins show the same tenant: `to` refers to
 *   `from`, or an identifying column of `to` is joined with a column of `from`
 */
function leads(facts: Facts, from: Instance, to: Instance, own: boolean, joins: Joins): boolean {
  const tenant = tenantOf(facts, from)
  if (tenant !== undefined) {
    const other = tenantOf(facts, to)
    return other !== undefined && joins(`${from.id}.${tenant}`, `${to.id}.${other}`)
  }
  if (refersTo(from, to, joins) || (own && refersTo(to, from, joins))) return true
  const shares = (column: string) =>
    from.relation.columns.some(({ name }) => joins(`${from.id}.${name}`, `${to.id}.${column}`))
  return singleKeys(to).some(shares) || (own && identifying(facts, to).some(shares))
}

/** Whether the join uses all columns of a foreign key. A part of a composite key may name rows of several tenants. */
function refersTo(from: Instance, to: Instance, joins: Joins): boolean {
  const nameOf = ({ relation }: Instance, number: number | undefined) =>
    relation.columns.find((column) => column.number === number)?.name ?? ''
  return from.relation.constraints.some(
    ({ references, columns }) =>
      references?.relation === to.relation.oid &&
      columns.every((number, at) =>
        joins(`${from.id}.${nameOf(from, number)}`, `${to.id}.${nameOf(to, references.columns[at])}`),
      ),
  )
}

/** Name of the column that holds the tenant of a lookup row. */
function tenantOf(facts: Facts, { relation }: Instance): string | undefined {
  const { context } = facts.tenancy
  if (context.kind === 'key' && context.table.oid === relation.oid && context.tenantColumn !== undefined)
    return context.tenantColumn.name
  return facts.tenantTable(relation)?.column?.name
}

/**
 * Returns the columns of a lookup table that identify the session. If one of these columns contains the session's key, the row belongs to
 * the session. They are the columns of primary and unique keys, and the key column that discovery found. A column such as `reviewed_by` is
 * not one of them, because a row does not belong to its reviewer.
 */
function identifying(facts: Facts, { relation }: Instance): readonly string[] {
  const { context } = facts.tenancy
  const numbers = new Set(keysOf(relation).flat())
  const isKeyColumn = (name: string) =>
    context.kind === 'key' && context.table.oid === relation.oid && context.keyColumn.name === name
  return relation.columns.filter(({ number, name }) => numbers.has(number) || isKeyColumn(name)).map(({ name }) => name)
}

/** The columns of single-column primary and unique keys. */
function singleKeys({ relation }: Instance): readonly string[] {
  const numbers = new Set(
    keysOf(relation)
      .filter(({ length }) => length === 1)
      .flat(),
  )
  return relation.columns.filter(({ number }) => numbers.has(number)).map(({ name }) => name)
}

function keysOf(relation: Instance['relation']): readonly (readonly number[])[] {
  return [
    ...relation.constraints
      .filter(({ kind }) => kind === 'primary-key' || kind === 'unique')
      .map(({ columns }) => columns),
    ...relation.indexes
      .filter(
        ({ unique, valid, predicate, expressions }) =>
          unique && valid && predicate === undefined && expressions === undefined,
      )
      .map(({ columns }) => columns),
  ]
}

/** The term keys (`Term.key`) of the constants with which this branch compares a value. */
function constantsOf({ branch, facts, instances }: BranchInput): readonly string[] {
  return branch.atoms.flatMap((atom) => {
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.left === undefined) return []
    return [termOf(atom.left, facts, instances), termOf(atom.right, facts, instances)].flatMap((term) =>
      term.kind === 'constant' ? [term.key] : [],
    )
  })
}
