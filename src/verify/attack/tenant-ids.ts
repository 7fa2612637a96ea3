import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { valuesInChecks } from './check-values.ts'
import { listedValues } from './partition-literals.ts'
import { serialUuid } from './plant-values.ts'
import type { AttackSession } from './session.ts'

type TenantIds = readonly [a: string, b: string]

/**
 * Chooses two tenant ids that every tenant column of the schema can store as two different values. The ids fit the length, domain, enum,
 * CHECKs and partitions of each column. If possible, no tenant in the table of tenants has them. Returns the first pair that the server
 * accepts, or the simplest pair if it accepts none.
 */
export async function chooseTenantIds(facts: Facts, session: AttackSession, nonce: string): Promise<TenantIds> {
  const columns = tenantColumns(facts)
  const key = facts.tenancy.root?.key ?? columns[0]?.column
  const plain = plainPair(key, nonce)
  const candidates = [...closedPairs(facts, columns), plain, ...otherPairs(facts, columns, key, nonce)]
  for (const wanted of ['new', 'any'] as const) {
    for (const pair of candidates) if (await fits(facts, session, columns, pair, wanted)) return pair
  }
  return plain
}

interface TenantColumn {
  readonly relation: Relation
  readonly column: Column
}

function tenantColumns(facts: Facts): readonly TenantColumn[] {
  const { root, tables } = facts.tenancy
  const own = [...tables.values()].flatMap((table) =>
    table.kind === 'tenant' && !table.relation.isPartition && table.relation.kind !== 'view'
      ? [{ relation: table.relation, column: table.column }]
      : [],
  )
  return root === undefined ? own : [{ relation: root.relation, column: root.key }, ...own]
}

/** Asks the server whether both ids survive a cast to each tenant column's type and satisfy each CHECK on that column alone. */
async function fits(
  facts: Facts,
  session: AttackSession,
  columns: readonly TenantColumn[],
  pair: TenantIds,
  wanted: 'new' | 'any',
): Promise<boolean> {
  const tests = new Set<string>()
  const root = facts.tenancy.root
  for (const { relation, column } of columns) {
    const checks = relation.constraints.flatMap((constraint) =>
      constraint.kind === 'check' && constraint.columns.every((number) => number === column.number)
        ? (constraint.expression ?? [])
        : [],
    )
    for (const id of pair) {
      const value = `${quoteLiteral(id)}::${column.type}`
      // An explicit cast truncates a text that is too long, so compare the result with the id.
      tests.add(`rtrim((${value})::text) = ${quoteLiteral(id)}`)
      for (const check of checks)
        tests.add(
          `(select (${check}) is not false from (select ${value} as ${quoteIdentifier(column.name)}) as ${quoteIdentifier(relation.name)})`,
        )
    }
    tests.add(`(${quoteLiteral(pair[0])}::${column.type})::text <> (${quoteLiteral(pair[1])}::${column.type})::text`)
  }
  if (root !== undefined && wanted === 'new')
    tests.add(
      `not exists (select from ${qualifiedName(root.relation)} where ${quoteIdentifier(root.key.name)}::text in (${pair.map(quoteLiteral).join(', ')}))`,
    )
  if (tests.size === 0) return true
  const answer = await session.probe(() => session.text(`select (${[...tests].join(' and ')})::text as fits`))
  return answer.ok && answer.value.rows[0]?.['fits'] === 'true'
}

/** Pairs for tenant columns that accept only listed values: enum labels, or list partitions without a default partition. */
function closedPairs(facts: Facts, columns: readonly TenantColumn[]): readonly TenantIds[] {
  const lists = columns.flatMap(({ relation, column }) => {
    const labels = facts.catalog.types.get(column.baseTypeOid)?.enumLabels ?? []
    return [listedValues(facts.catalog, relation, column.name), labels].filter((list) => list.length > 1)
  })
  return lists.flatMap(pairsOf)
}

/** Pairs of the last four values of a list, the last first. Later values are less likely to be real tenants. */
function pairsOf(list: readonly string[]): readonly TenantIds[] {
  const last = list.slice(-4).reverse()
  return last.flatMap((a, at) => last.slice(at + 1).map((b): TenantIds => [a, b]))
}

function plainPair(key: Column | undefined, nonce: string): TenantIds {
  const number = (Number.parseInt(nonce, 16) % 10_000) * 2
  switch (key?.baseType) {
    case 'uuid':
      return [serialUuid(0xa0000001 + number), serialUuid(0xb0000002 + number)]
    case 'smallint':
      return [String(31_000 + ((number + 1) % 1700)), String(31_000 + ((number + 2) % 1700))]
    case 'integer':
    case 'oid':
      return [String(2_000_000_001 + number), String(2_000_000_002 + number)]
    case 'bigint':
    case 'numeric':
      return [String(9_000_000_000_001 + number), String(9_000_000_000_002 + number)]
    default: {
      const limit = Number(/\((\d+)\)/.exec(key?.type ?? '')?.[1] ?? Number.POSITIVE_INFINITY)
      const cut = (text: string) => (limit >= text.length ? text : text.slice(-limit))
      return [cut(`pw-${nonce}-a`), cut(`pw-${nonce}-b`)]
    }
  }
}

/** Pairs in other forms of ids: values from the CHECKs, short numbers, codes, cuid, ulid, uuid as text. */
function otherPairs(
  facts: Facts,
  columns: readonly TenantColumn[],
  key: Column | undefined,
  nonce: string,
): readonly TenantIds[] {
  const seed = Number.parseInt(nonce, 16)
  const checked = columns.flatMap(({ relation, column }) => {
    const [some, others] = [seed, seed + 7919].map((salt) =>
      valuesInChecks(facts.catalog, facts.sql, relation, column, salt),
    )
    return [...(some ?? []).map((a, at): TenantIds => [a, others?.[at] ?? a]), ...pairsOf([...new Set(some ?? [])])]
  })
  const numbers: readonly TenantIds[] = [999_999_998, 9_999_998, 99_998, 9_998, 998, 98, 8].map((n) => [
    String(n),
    String(n + 1),
  ])
  if (key !== undefined && key.category === 'N') return [...checked, ...numbers]
  const texts: readonly TenantIds[] = [
    [serialUuid(0xa0000000 + seed), serialUuid(0xb0000000 + seed)],
    [`cpw${nonce}aaaaaaaaaaaaaaaa`, `cpw${nonce}bbbbbbbbbbbbbbbb`],
    ['01JPW0000000000000000000AA', '01JPW0000000000000000000BB'],
    [`pw${nonce}a`, `pw${nonce}b`],
    ['pwtenanta', 'pwtenantb'],
    ['PWTENANTA', 'PWTENANTB'],
    ['pwa', 'pwb'],
    ['PWA', 'PWB'],
    ['ya', 'yb'],
    ['YA', 'YB'],
    ['y', 'z'],
    ['Y', 'Z'],
  ]
  return [...checked, ...texts, ...numbers]
}
