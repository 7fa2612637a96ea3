import type { Relation } from '../../catalog/model.ts'
import type { Expr, FromItem, Query } from '../../sql/tree.ts'
import type { Facts } from '../../tenancy/facts.ts'

/** A table of a query, with the alias that qualifies its columns. */
interface Member {
  readonly alias: string
  readonly relation: Relation
}

type Column = Extract<Expr, { kind: 'column' }>

/**
 * For a query that compares the tenant of one of its tables with the context: whether this comparison restricts the rows of `relation` too.
 *
 * The answer is yes if the two tables are joined by the tenant column or by a unique key. A join `s.match_id = m.id` is not enough if `id` is
 * not unique, because each tenant numbers its own matches.
 */
export function filterReaches(
  facts: Facts,
  query: Query,
  relation: Relation,
  isFilter: (column: Column, other: Expr) => boolean,
): boolean {
  const members = [...query.from, ...(query.target === undefined ? [] : [query.target])].flatMap((item) =>
    membersOf(facts, item),
  )
  if (members.length < 2 || !members.some((member) => member.relation === relation)) return true
  const held = new Set<Member>()
  const links: (readonly [Member, Member])[] = []
  for (const [left, right] of equalities(query)) {
    for (const [side, other] of [
      [left, right],
      [right, left],
    ] as const)
      if (side.kind === 'column' && isFilter(side, other)) for (const member of namedBy(side, members)) held.add(member)
    if (left.kind !== 'column' || right.kind !== 'column') continue
    for (const one of namedBy(left, members))
      for (const two of namedBy(right, members))
        if (one !== two && joins(facts, one, left.name, two, right.name)) links.push([one, two])
  }
  for (const item of query.from) links.push(...usingLinks(facts, item))
  // No table is filtered by a plain equality, so the filter has another form, such as a subquery. Assume that it restricts all tables.
  if (held.size === 0) return true
  for (let grew = true; grew; ) {
    grew = false
    for (const link of links) {
      const [one, two] = link.map((member) => members.find((own) => own.alias === member.alias))
      if (one === undefined || two === undefined || held.has(one) === held.has(two)) continue
      held.add(one).add(two)
      grew = true
    }
  }
  return members.every((member) => member.relation !== relation || held.has(member))
}

function membersOf(facts: Facts, item: FromItem): readonly Member[] {
  if (item.kind === 'join') return [...membersOf(facts, item.left), ...membersOf(facts, item.right)]
  if (item.kind !== 'table') return []
  const relation = facts.relationNamed(item.schema, item.name)
  return relation === undefined ? [] : [{ alias: item.alias ?? item.name, relation }]
}

/** The equalities that are true for each row of the query: those in WHERE and ON that are joined by AND, and not inside an OR. */
function equalities(query: Query): readonly (readonly [Expr, Expr])[] {
  const found: (readonly [Expr, Expr])[] = []
  const add = (expr: Expr | undefined): void => {
    if (expr?.kind === 'and') for (const arg of expr.args) add(arg)
    if (expr?.kind === 'operator' && expr.op === '=' && expr.left !== undefined)
      found.push([bare(expr.left), bare(expr.right)])
    if (expr?.kind === 'any' && expr.op === '=') found.push([bare(expr.left), expr.array])
  }
  const addJoins = (item: FromItem): void => {
    if (item.kind !== 'join') return
    add(item.on)
    addJoins(item.left)
    addJoins(item.right)
  }
  add(query.where)
  for (const item of query.from) addJoins(item)
  return found
}

function namedBy(column: Column, members: readonly Member[]): readonly Member[] {
  return members.filter(
    ({ alias, relation }) =>
      (column.table === undefined || column.table === alias) &&
      relation.columns.some(({ name }) => name === column.name),
  )
}

function usingLinks(facts: Facts, item: FromItem): (readonly [Member, Member])[] {
  if (item.kind !== 'join') return []
  const pairs = membersOf(facts, item.left).flatMap((one) =>
    membersOf(facts, item.right).map((two) => [one, two] as const),
  )
  const own = pairs.filter(([one, two]) =>
    item.using.some((name) => hasColumn(one, name) && hasColumn(two, name) && joins(facts, one, name, two, name)),
  )
  return [...own, ...usingLinks(facts, item.left), ...usingLinks(facts, item.right)]
}

function hasColumn({ relation }: Member, name: string): boolean {
  return relation.columns.some((column) => column.name === name)
}

/** Whether rows of two tables that are equal in these columns belong to one tenant. */
function joins(facts: Facts, one: Member, oneName: string, two: Member, twoName: string): boolean {
  if (isTenant(facts, one, oneName) && isTenant(facts, two, twoName)) return true
  return namesOneRow(one.relation, oneName) || namesOneRow(two.relation, twoName)
}

function isTenant(facts: Facts, { relation }: Member, name: string): boolean {
  const { columnNames, root } = facts.tenancy
  return columnNames.includes(name) || (relation.oid === root?.relation.oid && name === root.key.name)
}

function namesOneRow(relation: Relation, name: string): boolean {
  const number = relation.columns.find((column) => column.name === name)?.number
  return relation.constraints.some(
    ({ kind, columns }) =>
      (kind === 'primary-key' || kind === 'unique') && columns.length === 1 && columns[0] === number,
  )
}

function bare(expr: Expr): Expr {
  return expr.kind === 'cast' || expr.kind === 'collate' ? bare(expr.arg) : expr
}
