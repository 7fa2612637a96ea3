import type { Column, Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { ActingRole, ChildLink, Facts, TenantTable, Weakness } from '../tenancy/facts.ts'
import { privilegeOf } from '../tenancy/reach.ts'
import type { AskProof, BranchInput } from './branch-input.ts'
import type { Equalities } from './equalities.ts'
import type { ProveAs } from './granted-rows.ts'
import { mayMove } from './new-rows.ts'
import { rolesInReach } from './roles-in-reach.ts'
import type { Instance } from './scope.ts'
import type { Term } from './term.ts'
import { termOf } from './terms.ts'
import { viewOrFunctionThatWrites } from './writers.ts'

/** A lookup row of the session's tenant that names the row of a table without a tenant, such as a membership that names a user. */
export interface Witness {
  readonly instance: Instance
  /** From the lookup table to the row: `user_id` to `id`. */
  readonly link: ChildLink
}

/** The lookup row that names the row by all columns of a unique key. Undefined if no lookup row that belongs to the tenant does so. */
export function witnessOf(
  { branch, row }: BranchInput,
  knows: Equalities,
  belonging: ReadonlySet<string>,
): Witness | undefined {
  for (const instance of branch.instances) {
    if (!belonging.has(instance.id) || instance.relation.oid === row.relation.oid) continue
    const pairs = row.relation.columns.flatMap((own) => {
      const column = instance.relation.columns.find((each) =>
        knows.same(`${instance.id}.${each.name}`, `${row.id}.${own.name}`),
      )
      return column === undefined ? [] : [{ column, own }]
    })
    if (
      !coversKey(
        row.relation,
        pairs.map(({ own }) => own),
      )
    )
      continue
    return {
      instance,
      link: {
        parent: row.relation,
        columns: pairs.map(({ column }) => column.name),
        parentColumns: pairs.map(({ own }) => own.name),
      },
    }
  }
  return undefined
}

function coversKey(relation: Relation, columns: readonly Column[]): boolean {
  const numbers = new Set(columns.map(({ number }) => number))
  return relation.indexes.some(
    ({ unique, valid, predicate, expressions, columns: key }) =>
      unique &&
      valid &&
      predicate === undefined &&
      expressions === undefined &&
      key.length > 0 &&
      key.every((number) => numbers.has(number)),
  )
}

type Untrusted = Pick<Weakness, 'kind' | 'certain' | 'explanation' | 'subject' | 'names'>

/**
 * Why a lookup table can't be relied on to name rows: a role in reach (docs/glossary.md) may write, in its own tenant, a reference to a row
 * to which its tenant did not refer before. Undefined if no role can.
 */
export function untrustedWitness(
  { facts, role }: BranchInput,
  { instance, link }: Witness,
  proveAs: ProveAs,
): Untrusted | undefined {
  const { relation } = instance
  const roles = [role, ...rolesInReach(facts).filter((other) => other.role.oid !== role.role.oid)]
  for (const written of [relation, ...descendants(facts, relation)])
    for (const writer of roles.filter(({ bypasses }) => !bypasses))
      for (const verb of ['insert', 'update'] as const) {
        const certain = mayName(facts, written, link, verb, writer, proveAs)
        if (certain === undefined) continue
        return {
          kind: 'trusts-table',
          certain,
          explanation: `the policy shows rows that ${relation.label} names by ${link.columns.join(', ')}, and ${writer.role.name} may ${verb} rows there that name any row of ${link.parent.label}`,
          subject: relation.label,
          names: { columns: link.columns, parentColumns: link.parentColumns },
        }
      }
  const asks: AskProof = (_, verb, viewer) =>
    verb !== 'select' && mayName(facts, relation, link, verb, viewer, proveAs) === undefined
      ? { status: 'proved', how: '' }
      : { status: 'unproved', how: '', weaknesses: [] }
  const lender = viewOrFunctionThatWrites(facts, relation, asks)
  if (lender === undefined) return undefined
  return {
    kind: 'beyond-the-prover',
    certain: false,
    explanation: `the policy shows rows that ${relation.label} names, and ${lender} writes there with the rights of its owner`,
    subject: relation.label,
  }
}

/**
 * Whether the role may write a row that names another tenant's row. Undefined: it can't. True: it certainly can. False: this is not known.
 */
function mayName(
  facts: Facts,
  written: Relation,
  link: ChildLink,
  verb: Verb,
  role: ActingRole,
  proveAs: ProveAs,
): boolean | undefined {
  const table: TenantTable = { kind: 'child', relation: written, column: undefined, parents: [link] }
  if (!facts.privileges.onRelation(role.role.oid, written, privilegeOf(verb))) return undefined
  if (verb === 'update' ? !mayMove(facts, table, role) : !mayChoose(facts, written, link, role)) return undefined
  const guarded = written.triggers.some(
    ({ enabled, events }) => enabled !== 'disabled' && events.includes(verb === 'insert' ? 'insert' : 'update'),
  )
  if (!facts.protectedFor(written, role)) return !guarded
  const proof = proveAs(table, verb, role)
  if (proof.status === 'proved' || proof.status === 'dark') return undefined
  // Only the new row matters: the old row referred to a row that the tenant sees anyway.
  if (proof.weaknesses.length > 0 && proof.weaknesses.every(({ clause }) => clause === 'using')) return undefined
  return proof.status === 'open' && !guarded
}

/** Whether an INSERT of the role can give the columns a value: by a privilege, or by a default. Without both they are NULL. */
function mayChoose(facts: Facts, written: Relation, link: ChildLink, { role }: ActingRole): boolean {
  return written.columns
    .filter(({ name }) => link.columns.includes(name))
    .every(
      (column) =>
        facts.privileges.onColumn(role.oid, written, column, 'INSERT') ||
        column.default !== undefined ||
        column.generated !== undefined ||
        column.identity !== undefined ||
        written.triggers.length > 0,
    )
}

/** Partitions and inheriting tables: a query of the parent reads their rows, but a direct write there follows their own policies. */
function descendants(facts: Facts, relation: Relation): readonly Relation[] {
  return relation.children.flatMap((oid) => {
    const child = facts.relationOf(oid)
    return child === undefined ? [] : [child, ...descendants(facts, child)]
  })
}

const PERSON = /user|member|person|profile|login|email|staff|employee|subject|uid|(^|[._>])sub$/i

/**
 * Whether a new membership names the session's own user: `user_id` equals the session's key, or a setting that is named after a person. A
 * user who adds themselves shows the tenant only their own row.
 */
export function namedByUser({ table, row, branch, facts, instances, clause }: BranchInput): boolean {
  if (table.kind !== 'child' || clause !== 'check') return false
  const own = branch.atoms.flatMap((atom) => {
    if (atom.kind !== 'operator' || atom.op !== '=' || atom.schema !== undefined || atom.left === undefined) return []
    const terms = [termOf(atom.left, facts, instances), termOf(atom.right, facts, instances)]
    if (!terms.some(isPerson)) return []
    return terms.flatMap((term) => (term.kind === 'column' && term.instance === row ? [term.column.name] : []))
  })
  return table.parents.some(
    ({ parent, columns }) =>
      isUnbound(facts, parent) && columns.length === 1 && columns.every((column) => own.includes(column)),
  )
}

function isPerson(term: Term): boolean {
  if (term.kind === 'key') return true
  return term.kind === 'setting' && PERSON.test([term.use.setting, ...term.use.path].join('->'))
}

function isUnbound(facts: Facts, relation: Relation): boolean {
  const table = facts.judgedTable(relation)
  return table?.kind === 'child' && table.unbound === true
}
