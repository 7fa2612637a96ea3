import { expressionLowering } from './lower-expression.ts'
import { aliasColumns } from './lower-names.ts'
import { isNode, type Node, namesOf, nodeOf, nodesOf, textOf, unwrap } from './nodes.ts'
import type { Expr, FromItem, Query, Target } from './tree.ts'

const expressions = expressionLowering((fields) => lowerSelect(fields))

/** Turns an expression node of the parser into verify's own tree. */
export const lowerExpression = expressions.lowerExpression

const { partsOf } = expressions

function expr(value: unknown): Expr {
  return isNode(value) ? lowerExpression(value) : { kind: 'constant', value: null }
}

function exprs(value: unknown): readonly Expr[] {
  return nodesOf(value).map(lowerExpression)
}

const EMPTY: Query = {
  kind: 'other',
  with: [],
  recursive: false,
  target: undefined,
  from: [],
  where: undefined,
  targets: [],
  returning: [],
  assignments: [],
  values: [],
  source: undefined,
  setOperation: undefined,
  onConflict: undefined,
  groups: false,
  groupsNothing: false,
  distinct: false,
  limited: false,
  others: [],
  node: '',
  text: undefined,
}

/** Turns a statement node of the parser (`{ SelectStmt: … }`) into verify's own tree. */
export function lowerStatement(node: Node): Query {
  const [kind, fields] = unwrap(node)
  switch (kind) {
    case 'SelectStmt':
      return lowerSelect(fields)
    case 'InsertStmt':
      return lowerInsert(fields)
    case 'UpdateStmt':
      return {
        ...EMPTY,
        ...common(fields, kind),
        kind: 'update',
        target: tableOf(nodeOf(fields['relation'])),
        from: fromItems(fields['fromClause']),
        where: optional(fields['whereClause']),
        assignments: targets(fields['targetList']),
      }
    case 'DeleteStmt':
      return {
        ...EMPTY,
        ...common(fields, kind),
        kind: 'delete',
        target: tableOf(nodeOf(fields['relation'])),
        from: fromItems(fields['usingClause']),
        where: optional(fields['whereClause']),
      }
    case 'MergeStmt':
      return {
        ...EMPTY,
        ...common(fields, kind),
        kind: 'merge',
        target: tableOf(nodeOf(fields['relation'])),
        from: isNode(fields['sourceRelation']) ? [lowerFrom(fields['sourceRelation'])] : [],
        where: optional(fields['joinCondition']),
        others: partsOf({ whens: fields['mergeWhenClauses'] }),
      }
    case 'ReturnStmt':
      // RETURN expression, the short form of a SQL function's body, means SELECT expression.
      return { ...EMPTY, kind: 'select', node: kind, targets: [{ name: undefined, expr: expr(fields['returnval']) }] }
    default:
      return { ...EMPTY, node: kind, others: partsOf(fields) }
  }
}

function lowerSelect(fields: Node): Query {
  const op = textOf(fields['op'])
  const shared = { ...EMPTY, ...common(fields, 'SelectStmt'), kind: 'select' as const }
  const limited = isNode(fields['limitCount']) || isNode(fields['limitOffset'])
  if ((op === 'SETOP_UNION' || op === 'SETOP_INTERSECT' || op === 'SETOP_EXCEPT') && isNode(fields['larg'])) {
    return {
      ...shared,
      limited,
      setOperation: {
        op: op === 'SETOP_UNION' ? 'union' : op === 'SETOP_INTERSECT' ? 'intersect' : 'except',
        left: lowerSelect(fields['larg']),
        right: lowerSelect(nodeOf(fields['rarg']) ?? {}),
      },
    }
  }
  return {
    ...shared,
    limited,
    from: fromItems(fields['fromClause']),
    where: optional(fields['whereClause']),
    targets: targets(fields['targetList']),
    values: nodesOf(fields['valuesLists']).map((row) => exprs(nodeOf(row['List'])?.['items'])),
    groups: nodesOf(fields['groupClause']).length > 0 || isNode(fields['havingClause']),
    groupsNothing:
      nodesOf(fields['groupClause']).some((node) => isNode(node['GroupingSet'])) ||
      (nodesOf(fields['groupClause']).length === 0 && isNode(fields['havingClause'])),
    distinct:
      nodesOf(fields['distinctClause']).length > 0 ||
      (Array.isArray(fields['distinctClause']) && fields['distinctClause'].length > 0),
    others: partsOf({
      having: fields['havingClause'],
      group: fields['groupClause'],
      sort: fields['sortClause'],
      distinct: fields['distinctClause'],
      window: fields['windowClause'],
      limit: fields['limitCount'],
    }),
  }
}

function lowerInsert(fields: Node): Query {
  const source = nodeOf(nodeOf(fields['selectStmt'])?.['SelectStmt'])
  const select = source === undefined ? undefined : lowerSelect(source)
  const names = targets(fields['cols']).map((target) => target.name)
  const rows = select?.values ?? []
  const conflict = nodeOf(fields['onConflictClause'])
  const given = rows[0] ?? select?.targets.map((target) => target.expr) ?? []
  return {
    ...EMPTY,
    ...common(fields, 'InsertStmt'),
    kind: 'insert',
    target: tableOf(nodeOf(fields['relation'])),
    assignments: given.map((value, at) => ({ name: names[at], expr: value })),
    values: rows,
    source: rows.length > 0 ? undefined : select,
    onConflict: conflict === undefined ? undefined : lowerConflict(conflict),
    others: conflict === undefined ? [] : partsOf(conflict),
  }
}

function lowerConflict(fields: Node): Query['onConflict'] {
  const infer = nodeOf(fields['infer']) ?? {}
  return {
    columns: nodesOf(infer['indexElems']).map((element) => textOf(nodeOf(element['IndexElem'])?.['name']) ?? ''),
    constraint: textOf(infer['conname']),
    update: fields['action'] === 'ONCONFLICT_UPDATE',
  }
}

function common(fields: Node, node: string): Pick<Query, 'with' | 'recursive' | 'returning' | 'node'> {
  const returning = nodesOf(nodeOf(fields['returningClause'])?.['exprs'])
  return {
    node,
    recursive: nodeOf(fields['withClause'])?.['recursive'] === true,
    with: nodesOf(nodeOf(fields['withClause'])?.['ctes']).map((item) => {
      const cte = nodeOf(item['CommonTableExpr']) ?? {}
      const columns = namesOf(cte['aliascolnames'])
      return {
        name: textOf(cte['ctename']) ?? '',
        ...(columns.length > 0 ? { columns } : {}),
        query: lowerStatement(nodeOf(cte['ctequery']) ?? {}),
      }
    }),
    returning: returning.length > 0 ? targets(returning) : targets(fields['returningList']),
  }
}

function targets(value: unknown): readonly Target[] {
  return nodesOf(value).map((node) => {
    const target = nodeOf(node['ResTarget']) ?? {}
    return { name: textOf(target['name']), expr: expr(target['val']) }
  })
}

function optional(value: unknown): Expr | undefined {
  return isNode(value) ? expr(value) : undefined
}

function fromItems(value: unknown): readonly FromItem[] {
  return nodesOf(value).map(lowerFrom)
}

function tableOf(fields: Node | undefined): Extract<FromItem, { kind: 'table' }> | undefined {
  if (fields === undefined) return undefined
  return {
    kind: 'table',
    schema: textOf(fields['schemaname']),
    name: textOf(fields['relname']) ?? '',
    alias: textOf(nodeOf(fields['alias'])?.['aliasname']),
    ...aliasColumns(fields['alias']),
  }
}

const JOINS: Readonly<Record<string, 'inner' | 'left' | 'right' | 'full'>> = {
  JOIN_INNER: 'inner',
  JOIN_LEFT: 'left',
  JOIN_RIGHT: 'right',
  JOIN_FULL: 'full',
}

function lowerFrom(node: Node): FromItem {
  const [kind, fields] = unwrap(node)
  const alias = textOf(nodeOf(fields['alias'])?.['aliasname'])
  if (kind === 'RangeVar') return tableOf(fields) ?? { kind: 'other', node: kind }
  if (kind === 'RangeSubselect') {
    const query = lowerStatement(nodeOf(fields['subquery']) ?? {})
    const lateral = fields['lateral'] === true ? { lateral: true as const } : {}
    return { kind: 'subquery', alias, ...aliasColumns(fields['alias']), ...lateral, query }
  }
  if (kind === 'RangeFunction') {
    const calls = nodesOf(fields['functions']).flatMap((item) => exprs(nodeOf(item['List'])?.['items']).slice(0, 1))
    // The second item of each entry is a list of column definitions. It is empty if there are none.
    const defined = nodesOf(fields['functions']).some((item) =>
      nodesOf(nodeOf(item['List'])?.['items'])
        .slice(1)
        .some((definitions) => Object.keys(definitions).length > 0),
    )
    const reshaped =
      calls.length !== 1 || fields['ordinality'] === true || nodesOf(fields['coldeflist']).length > 0 || defined
    return { kind: 'function', alias, ...aliasColumns(fields['alias']), ...(reshaped ? { reshaped } : {}), calls }
  }
  if (kind === 'JoinExpr') {
    return {
      kind: 'join',
      // An alias of a join hides its tables' own names.
      type:
        fields['isNatural'] === true || alias !== undefined
          ? 'other'
          : (JOINS[textOf(fields['jointype']) ?? ''] ?? 'other'),
      left: lowerFrom(nodeOf(fields['larg']) ?? {}),
      right: lowerFrom(nodeOf(fields['rarg']) ?? {}),
      on: optional(fields['quals']),
      using: namesOf(fields['usingClause']),
    }
  }
  return { kind: 'other', node: kind }
}
