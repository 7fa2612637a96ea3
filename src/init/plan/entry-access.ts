import type { Catalog } from '../../catalog/catalog.ts'
import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Change } from '../../protect/change.ts'
import type { Tenancy } from '../../tenancy/facts.ts'

const PASSWORD_COLUMN = /password|passwd|pass_?hash/i
const NAME_OF_ACCOUNT = /^(?:e_?mail(?:_address)?|username|login)$/i

/**
 * Tables that a sign-in or a sign-up needs before the tenant is known: the table of tenants, accounts with passwords, and tables that join the
 * two, such as memberships.
 */
export function entryTables(catalog: Catalog, tenancy: Tenancy): readonly Relation[] {
  return tablesAround(catalog, tenancy, PASSWORD_COLUMN)
}

/**
 * Where no table has passwords: tables of users and of memberships. An application that signs in by keys or by another service may never read
 * them before the tenant is known, so a person decides.
 */
export function accountsWithoutPasswords(catalog: Catalog, tenancy: Tenancy): ReadonlySet<Relation> {
  const root = tenancy.root?.relation
  const others = (mark: RegExp) => tablesAround(catalog, tenancy, mark).filter((table) => table !== root)
  return new Set(others(PASSWORD_COLUMN).length > 0 ? [] : others(NAME_OF_ACCOUNT))
}

/** @param mark the name of a column by which a table is one of accounts */
function tablesAround(catalog: Catalog, tenancy: Tenancy, mark: RegExp): readonly Relation[] {
  const root = tenancy.root?.relation
  const tables = [...catalog.relations.values()].filter(
    ({ kind, schema, extension }) => kind === 'table' && extension === undefined && tenancy.schemas.has(schema),
  )
  const people = tables.filter((table) => table !== root && table.columns.some(({ name }) => mark.test(name)))
  const refersTo = (table: Relation, other: Relation | undefined) =>
    other !== undefined && table.constraints.some((each) => each.references?.relation === other.oid)
  const joins = tables.filter(
    (table) =>
      table !== root &&
      !people.includes(table) &&
      refersTo(table, root) &&
      isMembership(table) &&
      people.some((person) => !refersTo(person, root) && refersTo(table, person)),
  )
  return [...(root === undefined ? [] : [root]), ...people, ...joins]
}

const MEMBERSHIP_NAME = /member|(?:^|_)users?(?:_|$)|staff|employee/i
const ROLE_OF_MEMBER = /^(?:roles?|permissions?|status|state|level|type)$/i

/**
 * Whether a table only joins users and tenants. A table of work, such as tasks with an assignee, refers to both too, but has further
 * columns. It is no membership, because the entry login could then read and insert the work of all tenants.
 */
function isMembership({ name, columns, constraints }: Relation): boolean {
  if (MEMBERSHIP_NAME.test(name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_'))) return true
  const keys = new Set(
    constraints.filter(({ kind }) => kind === 'primary-key' || kind === 'foreign-key').flatMap((each) => each.columns),
  )
  const own = columns.filter(
    (column) =>
      !keys.has(column.number) &&
      !/^(?:timestamp|date)|^boolean$/.test(column.baseType) &&
      !ROLE_OF_MEMBER.test(column.name),
  )
  return own.length === 0
}

/**
 * The rights of the entry login: it may read and insert rows of these tables, of every tenant, and nothing else. It can neither change nor
 * delete a row, and is no member of another role.
 */
export function entryAccess(
  catalog: Catalog,
  tables: readonly Relation[],
  tenancy: Tenancy,
  login: string,
): readonly Change[] {
  const role = quoteIdentifier(login)
  const schemas = [...new Set(tables.map(({ schema }) => schema))]
  const usage = schemas.map((schema): Change => {
    const object = `SCHEMA ${quoteIdentifier(schema)}`
    return {
      phase: 'protect',
      object: `role ${login}`,
      up: [`GRANT USAGE ON ${object} TO ${role};`],
      down: [`REVOKE USAGE ON ${object} FROM ${role};`],
    }
  })
  return [
    ...usage,
    ...tables.map((table) => accessTo(table, role, tenancy.tables.has(table.oid), sequencesOf(catalog, table))),
  ]
}

function accessTo(table: Relation, role: string, hasPolicies: boolean, sequences: readonly Relation[]): Change {
  const name = qualifiedName(table)
  const dropPolicies = ['partywall_entry_read', 'partywall_entry_insert'].map(
    (policy) => `DROP POLICY IF EXISTS ${policy} ON ${name};`,
  )
  const policies = [
    `-- For sign-in and sign-up, before the tenant is known. The application's own login can't become this role.`,
    dropPolicies[0] ?? '',
    `CREATE POLICY partywall_entry_read ON ${name} FOR SELECT TO ${role} USING (true);`,
    dropPolicies[1] ?? '',
    `CREATE POLICY partywall_entry_insert ON ${name} FOR INSERT TO ${role} WITH CHECK (true);`,
  ]
  return {
    phase: 'protect',
    object: `${table.label} (entry)`,
    up: [
      ...(hasPolicies ? policies : []),
      `GRANT SELECT, INSERT ON ${name} TO ${role};`,
      ...sequences.map((sequence) => `GRANT USAGE ON SEQUENCE ${qualifiedName(sequence)} TO ${role};`),
    ],
    down: [
      ...(hasPolicies ? dropPolicies : []),
      `REVOKE ALL ON ${name} FROM ${role};`,
      ...sequences.map((sequence) => `REVOKE ALL ON SEQUENCE ${qualifiedName(sequence)} FROM ${role};`),
    ],
  }
}

/** The sequences of serial columns. An identity column needs no right on its sequence. */
function sequencesOf(catalog: Catalog, table: Relation): readonly Relation[] {
  return ownedSequences(catalog, table).filter(({ oid }) => {
    const number = catalog.sequences.get(oid)?.ownedByColumn
    return table.columns.find((column) => column.number === number)?.identity === undefined
  })
}

/** The sequences that belong to columns of the table, also to identity columns. */
export function ownedSequences(catalog: Catalog, table: Relation): readonly Relation[] {
  return [...catalog.relations.values()].filter(
    ({ kind, oid }) => kind === 'sequence' && catalog.sequences.get(oid)?.ownedByRelation === table.oid,
  )
}
