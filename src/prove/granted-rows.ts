import type { Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { ActingRole, Proof, TenantTable, Weakness } from '../tenancy/facts.ts'
import type { BranchInput } from './branch-input.ts'
import type { Equalities } from './equalities.ts'
import { mayMove } from './new-rows.ts'
import type { Instance } from './scope.ts'

/** Proves writes of a relation. Uses the tenant column or the parent that `table` names, even if discovery found others. */
export type ProveAs = (table: TenantTable, verb: Verb, role: ActingRole) => Proof

/**
 * Returns the weakness of a policy that shows a document because a row of another table refers to the document (`EXISTS (SELECT 1 FROM
 * shares s WHERE s.document_id = documents.id AND s.shared_with = context)`). An attacker who may insert a row into `shares` that refers to
 * another tenant's document gets access to that document. Undefined if only the document's own tenant can write such rows of `shares`.
 */
export function selfGranted(
  input: BranchInput,
  knows: Equalities,
  proveAs: ProveAs,
): Pick<Weakness, 'kind' | 'certain' | 'explanation' | 'subject' | 'namesPart'> | undefined {
  const { branch, facts, role, row, table } = input
  if (table.kind === 'child') return undefined
  for (const lookup of branch.instances) {
    const { relation } = lookup
    const part = partlyNamed(input, lookup, knows)
    if (part !== undefined) return part
    const links = linksOf(lookup, row, table, knows)
    // If the row's table has a foreign key to the lookup table, the lookup row is the parent of the row. A new parent gives nobody access
    // to existing rows.
    const isParent = row.relation.constraints.some((constraint) => constraint.references?.relation === relation.oid)
    if (links === undefined || isParent || relation.oid === row.relation.oid) continue
    for (const verb of ['insert', 'update'] as const) {
      const child: TenantTable = { kind: 'child', relation, column: undefined, parents: [links] }
      if (verb === 'update' && !mayMove(facts, child, role)) continue
      if (!facts.protectedFor(relation, role)) {
        if (!facts.privileges.onRelation(role.role.oid, relation, verb === 'insert' ? 'INSERT' : 'UPDATE')) continue
        return says(relation, role, verb, true)
      }
      const proof = proveAs(child, verb, role)
      if (proof.status === 'proved' || proof.status === 'dark') continue
      if (pairedOwner(relation, row, table, verb, role, proveAs)) continue
      return says(relation, role, verb, proof.status === 'open')
    }
  }
  return undefined
}

type Granted = Pick<Weakness, 'kind' | 'certain' | 'explanation' | 'subject' | 'namesPart'>

function says(relation: Relation, role: ActingRole, verb: Verb, certain: boolean): Granted {
  return {
    kind: 'trusts-table',
    certain,
    explanation: `the policy opens each row to which a row of ${relation.label} refers, and ${role.role.name} may ${verb} rows of ${relation.label} that refer to another tenant’s row`,
    subject: relation.label,
  }
}

/**
 * Returns the weakness of a policy that looks up a parent by only a part of the parent's key: `EXISTS (SELECT 1 FROM channels c WHERE c.id
 * = channel_id)`, where `channels` has the key (tenant, id). Attackers add a channel of their own tenant with the id of another tenant's
 * channel. The policy then shows them the rows of that other channel.
 */
function partlyNamed(
  { facts, role, row, table }: BranchInput,
  lookup: Instance,
  knows: Equalities,
): Granted | undefined {
  const { relation } = lookup
  const tenant = facts.tenantTable(relation)?.column
  if (tenant === undefined || relation.oid === row.relation.oid || !facts.protectedFor(relation, role)) return undefined
  const linked = relation.columns.filter((column) =>
    row.relation.columns.some(
      (own) => own !== table.column && knows.same(`${lookup.id}.${column.name}`, `${row.id}.${own.name}`),
    ),
  )
  const numbers = new Set(linked.map((column) => column.number))
  const unique = relation.indexes.filter((index) => index.unique && index.predicate === undefined)
  // Report only if a unique key consists of the linked columns and the tenant column. Without such a key, nothing suggests that two tenants
  // use the same values. If the linked columns are unique without the tenant column, two tenants can't have the same values.
  if (linked.length === 0 || numbers.has(tenant.number)) return undefined
  if (unique.some((index) => index.columns.every((number) => numbers.has(number)))) return undefined
  const keyed = unique.some((index) => index.columns.every((number) => numbers.has(number) || number === tenant.number))
  const bound = relation.constraints.some(
    ({ kind, columns }) => kind === 'foreign-key' && columns.some((number) => numbers.has(number)),
  )
  const chooses = linked.every((column) => facts.privileges.onColumn(role.role.oid, relation, column, 'INSERT'))
  if (!keyed || bound || !chooses) return undefined
  const names = linked.map((column) => column.name).join(', ')
  return {
    kind: 'trusts-table',
    // A random UUID can't be guessed, so the hole is not certain if the key contains one.
    certain: linked.every((column) => column.baseType !== 'uuid'),
    explanation: `the policy looks up ${relation.label} only by ${names}, which is unique only together with ${tenant.name}: ${role.role.name} may add a row of its own tenant with the ${names} of another tenant's row`,
    subject: relation.label,
    namesPart: true as const,
  }
}

/**
 * Returns the columns of the lookup row that the policy compares with columns of the row. Undefined if no compared column of the row
 * belongs to a primary or unique key.
 */
function linksOf(lookup: Instance, row: Instance, table: TenantTable, knows: Equalities) {
  const pairs = lookup.relation.columns.flatMap((column) =>
    row.relation.columns.flatMap((own) =>
      own !== table.column && knows.same(`${lookup.id}.${column.name}`, `${row.id}.${own.name}`)
        ? [{ column: column.name, own }]
        : [],
    ),
  )
  const keyed = pairs.some(({ own }) =>
    row.relation.constraints.some(
      (constraint) =>
        (constraint.kind === 'primary-key' || constraint.kind === 'unique') && constraint.columns.includes(own.number),
    ),
  )
  if (!keyed) return undefined
  return {
    parent: row.relation,
    columns: pairs.map((pair) => pair.column),
    parentColumns: pairs.map((pair) => pair.own.name),
  }
}

/**
 * Whether only the row's own tenant can write lookup rows that refer to the row. Two conditions: a foreign key of the lookup table refers
 * to the row, and its column for the row's tenant column is NOT NULL; and the policies of the lookup table let a session write only its own
 * tenant into that column.
 */
function pairedOwner(
  relation: Relation,
  row: Instance,
  table: TenantTable,
  verb: Verb,
  role: ActingRole,
  proveAs: ProveAs,
): boolean {
  return relation.constraints.some(({ references, columns }) => {
    if (references?.relation !== row.relation.oid || table.column === undefined) return false
    const at = references.columns.indexOf(table.column.number)
    const owner = relation.columns.find((column) => column.number === columns[at])
    if (at < 0 || owner === undefined || !owner.notNull) return false
    return proveAs({ kind: 'tenant', relation, column: owner }, verb, role).status === 'proved'
  })
}
