import type { Facts } from '../tenancy/facts.ts'
import type { BranchInput } from './branch-input.ts'
import type { Equalities } from './equalities.ts'
import type { Instance } from './scope.ts'
import { termOf } from './terms.ts'

/**
 * In a schema whose setting holds a user's or session's key: the lookup rows that lead from that key to this row's tenant.
 * Undefined where none do.
 */
export function membership(
  input: BranchInput,
  knows: Equalities,
  target: Instance,
  column: string,
): readonly Instance[] | undefined {
  const { facts, branch, row, clause } = input
  if (facts.tenancy.context.kind !== 'key') return undefined
  // A row that is being written is no witness for itself: whoever names himself in it may name any tenant beside.
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
  // Walk from the rows with the key to one that names the tenant.
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
 * Whether the tenant of one row is that of another. A plan, a status or a date in common joins everybody.
 *
 * @param own the first row is the session's own: rows that have it in their key are its own too
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

/** By a whole foreign key: a part of one may name rows of several tenants. */
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

/** The column that says whose the rows are. */
function tenantOf(facts: Facts, { relation }: Instance): string | undefined {
  const { context } = facts.tenancy
  if (context.kind === 'key' && context.table.oid === relation.oid && context.tenantColumn !== undefined)
    return context.tenantColumn.name
  return facts.tenantTable(relation)?.column?.name
}

/** Columns in which the session's key says whose the row is: those of its keys. Who reviews or assigned it is not. */
function identifying(facts: Facts, { relation }: Instance): readonly string[] {
  const { context } = facts.tenancy
  const numbers = new Set(keysOf(relation).flat())
  const isKeyColumn = (name: string) =>
    context.kind === 'key' && context.table.oid === relation.oid && context.keyColumn.name === name
  return relation.columns.filter(({ number, name }) => numbers.has(number) || isKeyColumn(name)).map(({ name }) => name)
}

/** Columns that name one row each. */
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

/** Keys of the constants that values of this branch are compared with. */
function constantsOf({ branch, facts, instances }: BranchInput): readonly string[] {
  return branch.atoms.flatMap((atom) => {
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.left === undefined) return []
    return [termOf(atom.left, facts, instances), termOf(atom.right, facts, instances)].flatMap((term) =>
      term.kind === 'constant' ? [term.key] : [],
    )
  })
}
