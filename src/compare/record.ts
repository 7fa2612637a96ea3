import type { Column, Relation } from '../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../catalog/names.ts'
import { VERBS, type Verb } from '../catalog/verbs.ts'
import type { ActingRole, Facts } from '../tenancy/facts.ts'
import { type BatchAnswer, type BatchProbe, runBatch } from '../verify/attack/batch.ts'
import { becomeSql } from '../verify/attack/identity.ts'
import type { PlantedRow } from '../verify/attack/planting.ts'
import { rowFilter } from '../verify/attack/row-filters.ts'
import type { AttackSession } from '../verify/attack/session.ts'
import { type Access, type AccessRecord, keyOf, type Outcome, type Owner, USERS } from './access.ts'
import type { Population } from './population.ts'

interface RecordInput {
  /** Facts of the schema in which the rows were planted. Its tables and columns are tried, before and after a change. */
  readonly facts: Facts
  readonly population: Population
  readonly session: AttackSession
  /** The acting roles, including the owners of the tables. */
  readonly roles: readonly ActingRole[]
  /**
   * Facts that say in which setting a session names its tenant: of the schema before the change and, if known, after it. Each session sets
   * the tenant in all of these settings.
   */
  readonly spoken: readonly Facts[]
  /** The relations to try. Default: all. */
  readonly relations?: readonly Relation[]
}

const OWNERS: readonly Owner[] = USERS.flatMap((user) => (user === 'nobody' ? [] : [user]))

/** Tries every verb of every user on every planted row, each in a subtransaction that is rolled back. */
export async function recordAccess(input: RecordInput): Promise<AccessRecord> {
  const { facts, population, session, roles, spoken } = input
  const record = new Map<string, { access: Access; outcome: Outcome }>()
  const relations = (input.relations ?? facts.relations).filter((relation) => KINDS.has(relation.kind))
  for (const role of roles)
    for (const user of USERS) {
      const probes = relations.flatMap((relation) =>
        OWNERS.flatMap((row) => probesOf(facts, population, relation, row, { role: role.role.name, user })),
      )
      const said = spoken.map((each) => population.sessionSql(each, user, role)).join('')
      const answers = await runBatch(session, `${becomeSql(facts, role)};${said}`, probes)
      for (const { key, access } of probes) {
        const answer = answers.get(key)
        if (answer !== undefined) record.set(key, { access, outcome: outcomeOf(answer, access.verb) })
      }
    }
  return record
}

const KINDS: ReadonlySet<string> = new Set(['table', 'partitioned-table', 'view', 'materialized-view'])

interface AccessProbe extends BatchProbe {
  readonly access: Access
}

function probesOf(
  facts: Facts,
  population: Population,
  relation: Relation,
  owner: Owner,
  who: { readonly role: string; readonly user: (typeof USERS)[number] },
): readonly AccessProbe[] {
  const isView = relation.kind === 'view' || relation.kind === 'materialized-view'
  const row = isView ? undefined : population.row(relation, owner)
  const filter =
    row === undefined ? viewFilter(facts, population, relation, owner) : rowFilter(relation, row, relation.columns)
  if (filter === undefined) return []
  const isTenants = isView || facts.tenantTable(relation) !== undefined
  const founding = row === undefined ? [] : newTenant(facts, relation, row, { ...who, row: owner })
  const others = VERBS.flatMap((verb): readonly AccessProbe[] => {
    const sql =
      row === undefined
        ? verb === 'select'
          ? readSql(relation, filter)
          : undefined
        : statement(relation, row, filter, verb)
    if (sql === undefined) return []
    const access: Access = { ...who, object: relation.label, verb, row: owner, isTenants }
    return [{ key: keyOf(access), sql, access }]
  })
  return [...others, ...founding]
}

/**
 * An INSERT of a new tenant, as in a sign-up. It is tried only if the table of tenants already has policies. Without policies, nothing has
 * been decided about who may create tenants.
 */
function newTenant(
  facts: Facts,
  relation: Relation,
  row: PlantedRow,
  who: Pick<Access, 'role' | 'user' | 'row'>,
): readonly AccessProbe[] {
  const bound = facts.tenantTable(relation)
  const key = bound?.kind === 'root' ? FRESH_KEYS[bound.column.baseType] : undefined
  if (bound?.kind !== 'root' || key === undefined || !relation.rowSecurity) return []
  const sql = insertSql(relation, { ...row, values: { ...row.values, [bound.column.name]: key } })
  // With RETURNING, the new row must also pass the policies for SELECT. Try both forms.
  return ['', ` returning ${quoteIdentifier(bound.column.name)}`].map((returning): AccessProbe => {
    const object = `${relation.label} (a new tenant${returning})`
    const access: Access = { ...who, object, verb: 'insert', isTenants: false }
    return { key: keyOf(access), sql: `${sql}${returning}`, access }
  })
}

/** Keys for a new tenant, which no planted row has. */
const FRESH_KEYS: Readonly<Record<string, string>> = {
  uuid: '5e9f1c00-7d41-4c8a-9b1e-0c1d2e3f4a5b',
  bigint: '2000000011',
  integer: '2000000011',
  text: 'a new tenant',
  'character varying': 'a new tenant',
}

/** A WHERE condition for a view: it looks for the canaries that were planted in the view's tables. */
function viewFilter(facts: Facts, population: Population, view: Relation, owner: Owner): string | undefined {
  if (view.kind !== 'view' && view.kind !== 'materialized-view') return undefined
  const marks = new Set<string>()
  for (const oid of view.readsRelations) {
    const table = facts.relationOf(oid)
    const row = table === undefined || facts.tenantTable(table) === undefined ? undefined : population.row(table, owner)
    for (const value of Object.values(row?.values ?? {}))
      if (value !== null && /^pw[0-9a-f]{6}canary[AB]$/.test(value)) marks.add(value)
  }
  const alias = quoteIdentifier(view.name)
  if (marks.size === 0) return undefined
  return [...marks].map((mark) => `position(${quoteLiteral(mark)} in ${alias}::text) > 0`).join(' or ')
}

function readSql(relation: Relation, filter: string): string {
  return `select 1 from ${qualifiedName(relation)} where ${filter}`
}

function statement(relation: Relation, row: PlantedRow, filter: string, verb: Verb): string | undefined {
  const table = qualifiedName(relation)
  switch (verb) {
    case 'select':
      return readSql(relation, filter)
    case 'delete':
      return `delete from ${table} where ${filter}`
    case 'update': {
      const column =
        relation.columns.find((each) => isPlain(each) && !inKey(relation, each)) ?? relation.columns.find(isPlain)
      if (column === undefined) return undefined
      const name = quoteIdentifier(column.name)
      return `update ${table} set ${name} = ${name} where ${filter}`
    }
    case 'insert':
      return insertSql(relation, row)
  }
}

function isPlain(column: Column): boolean {
  return column.generated === undefined && column.identity !== 'always'
}

function inKey(relation: Relation, column: Column): boolean {
  return relation.constraints.some((constraint) => constraint.columns.includes(column.number))
}

/**
 * An INSERT of a row that exists already. PostgreSQL evaluates WITH CHECK before constraints, so a unique violation means that the
 * policies accepted the row (manual, CREATE POLICY, "evaluated before").
 */
function insertSql(relation: Relation, row: PlantedRow): string {
  const columns = relation.columns.filter(
    (column) => column.generated === undefined && row.values[column.name] !== undefined,
  )
  const overriding = columns.some((column) => column.identity === 'always') ? ' overriding system value' : ''
  const names = columns.map((column) => quoteIdentifier(column.name)).join(', ')
  const values = columns.map((column) => {
    const value = row.values[column.name] ?? null
    return value === null ? 'null' : `${quoteLiteral(value)}::${column.type}`
  })
  return `insert into ${qualifiedName(relation)} (${names})${overriding} values (${values.join(', ')})`
}

function outcomeOf(answer: BatchAnswer, verb: Verb): Outcome {
  if (answer.ok) return answer.rows > 0 ? 'done' : 'nothing'
  if (answer.code === '42501') return 'refused'
  // A constraint violation. PostgreSQL checks constraints after the policies, so the policies accepted the row.
  if (answer.code.startsWith('23') && verb !== 'select') return 'done'
  return `error ${answer.code}`
}
