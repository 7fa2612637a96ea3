// Longer than other files: expressions and queries contain each other, and two files would be a circle.
import { isNode, type Node, namesOf, nodeOf, nodesOf, numberOf, textOf, unwrap } from './nodes.ts'
import type { Expr, FromItem, Query, Target } from './tree.ts'

const SUBLINKS: Readonly<Record<string, 'exists' | 'scalar' | 'any' | 'all' | 'array'>> = {
  EXISTS_SUBLINK: 'exists',
  EXPR_SUBLINK: 'scalar',
  ANY_SUBLINK: 'any',
  ALL_SUBLINK: 'all',
  ARRAY_SUBLINK: 'array',
}

/** Turns an expression node of the parser into verify's own tree. */
export function lowerExpression(node: Node): Expr {
  const [kind, fields] = unwrap(node)
  switch (kind) {
    case 'ColumnRef':
      return lowerColumn(fields)
    case 'ParamRef':
      return { kind: 'parameter', number: numberOf(fields['number']) }
    case 'A_Const':
      return { kind: 'constant', value: lowerConstant(fields) }
    case 'TypeCast':
      return { kind: 'cast', arg: expr(fields['arg']), type: typeName(nodeOf(fields['typeName'])) }
    case 'FuncCall':
      return lowerCall(fields)
    case 'A_Expr':
      return lowerOperator(fields)
    case 'BoolExpr': {
      const args = exprs(fields['args'])
      const first = args[0]
      if (fields['boolop'] === 'NOT_EXPR' && first !== undefined) return { kind: 'not', arg: first }
      return { kind: fields['boolop'] === 'OR_EXPR' ? 'or' : 'and', args }
    }
    case 'NullTest':
      return { kind: 'null-test', arg: expr(fields['arg']), negated: fields['nulltesttype'] === 'IS_NOT_NULL' }
    case 'BooleanTest':
      return { kind: 'boolean-test', arg: expr(fields['arg']), test: textOf(fields['booltesttype']) ?? '' }
    case 'CoalesceExpr':
      return { kind: 'coalesce', args: exprs(fields['args']) }
    case 'CaseExpr':
      return lowerCase(fields)
    case 'SubLink':
      return {
        kind: 'subquery',
        type: SUBLINKS[textOf(fields['subLinkType']) ?? ''] ?? 'scalar',
        // IN (SELECT …) has no operator name: it is = ANY.
        op: namesOf(fields['operName']).at(-1) ?? '=',
        ...operatorSchema(fields['operName']),
        left: isNode(fields['testexpr']) ? expr(fields['testexpr']) : undefined,
        query: lowerSelect(nodeOf(nodeOf(fields['subselect'])?.['SelectStmt']) ?? {}),
      }
    case 'A_ArrayExpr':
      return { kind: 'array', items: exprs(fields['elements']) }
    case 'RowExpr':
      return { kind: 'row', items: exprs(fields['args']) }
    case 'SQLValueFunction':
      return { kind: 'keyword', name: (textOf(fields['op']) ?? '').replace('SVFOP_', '').toLowerCase() }
    case 'CollateClause':
      return { kind: 'collate', arg: expr(fields['arg']), collation: namesOf(fields['collname']).join('.') }
    case 'NamedArgExpr':
      // Its place in the list says nothing.
      return { kind: 'other', node: kind, parts: [expr(fields['arg'])] }
    case 'SetToDefault':
      return { kind: 'keyword', name: 'default' }
    default:
      return { kind: 'other', node: kind, parts: partsOf(fields) }
  }
}

function expr(value: unknown): Expr {
  return isNode(value) ? lowerExpression(value) : { kind: 'constant', value: null }
}

function exprs(value: unknown): readonly Expr[] {
  return nodesOf(value).map(lowerExpression)
}

/** Expressions found anywhere below a node that has no shape of its own. */
export function partsOf(fields: Node): readonly Expr[] {
  return Object.values(fields).flatMap((value): readonly Expr[] => {
    const nodes = Array.isArray(value) ? nodesOf(value) : isNode(value) ? [value] : []
    return nodes.flatMap((node) => {
      const [kind, inner] = unwrap(node)
      if (kind === '' || kind === 'String' || kind === 'TypeName') return []
      return /^[A-Z]/.test(kind) ? [lowerExpression(node)] : partsOf(inner)
    })
  })
}

function lowerColumn(fields: Node): Expr {
  const names = namesOf(fields['fields'])
  return { kind: 'column', table: names.length > 1 ? names.at(-2) : undefined, name: names.at(-1) ?? '' }
}

function lowerConstant(fields: Node): string | number | boolean | null {
  if (fields['isnull'] === true) return null
  if (isNode(fields['ival'])) return numberOf(fields['ival']['ival'])
  if (isNode(fields['fval'])) return textOf(fields['fval']['fval']) ?? '0'
  if (isNode(fields['boolval'])) return fields['boolval']['boolval'] === true
  if (isNode(fields['bsval'])) return textOf(fields['bsval']['bsval']) ?? ''
  return textOf(nodeOf(fields['sval'])?.['sval']) ?? ''
}

function lowerCall(fields: Node): Expr {
  const names = namesOf(fields['funcname'])
  return {
    kind: 'call',
    schema: names.length > 1 ? names.at(-2) : undefined,
    name: names.at(-1) ?? '',
    args: [...exprs(fields['args']), ...(isNode(fields['agg_filter']) ? [expr(fields['agg_filter'])] : [])],
  }
}

function lowerOperator(fields: Node): Expr {
  const op = namesOf(fields['name']).at(-1) ?? ''
  const schema = operatorSchema(fields['name'])
  const left = isNode(fields['lexpr']) ? expr(fields['lexpr']) : undefined
  const right = expr(fields['rexpr'])
  const from = left ?? right
  switch (fields['kind']) {
    case 'AEXPR_OP_ANY':
      return { kind: 'any', op, ...schema, left: from, array: right }
    case 'AEXPR_OP_ALL':
      return { kind: 'all', op, ...schema, left: from, array: right }
    case 'AEXPR_IN': {
      const items = rightList(fields)
      return { kind: op === '<>' ? 'all' : 'any', op, ...schema, left: from, array: { kind: 'array', items } }
    }
    case 'AEXPR_DISTINCT':
      return { kind: 'distinct', left: from, right, negated: false }
    case 'AEXPR_NOT_DISTINCT':
      return { kind: 'distinct', left: from, right, negated: true }
    case 'AEXPR_NULLIF':
      return { kind: 'nullif', left: from, right }
    case 'AEXPR_SIMILAR':
      return { kind: 'operator', op: 'similar', left, right }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return lowerBetween(String(fields['kind']), from, rightList(fields))
    default:
      return { kind: 'operator', op, ...schema, left, right }
  }
}

/** Of `OPERATOR(schema.op)`; nothing for the server's own. */
function operatorSchema(names: unknown): { readonly schema?: string } {
  const schema = namesOf(names).at(-2)
  return schema === undefined || schema === 'pg_catalog' ? {} : { schema }
}

/** Of `AS alias (columns)`. */
function aliasColumns(alias: unknown): { readonly columns?: readonly string[] } {
  const columns = namesOf(nodeOf(alias)?.['colnames'])
  return columns.length === 0 ? {} : { columns }
}

function rightList(fields: Node): readonly Expr[] {
  const list = nodeOf(nodeOf(fields['rexpr'])?.['List'])
  return list === undefined ? exprs(fields['rexpr']) : exprs(list['items'])
}

function lowerBetween(kind: string, value: Expr, [low, high]: readonly Expr[]): Expr {
  if (low === undefined || high === undefined) return { kind: 'other', node: kind, parts: [value] }
  const inside: Expr = {
    kind: 'and',
    args: [
      { kind: 'operator', op: '>=', left: value, right: low },
      { kind: 'operator', op: '<=', left: value, right: high },
    ],
  }
  return kind.includes('NOT') ? { kind: 'not', arg: inside } : inside
}

function lowerCase(fields: Node): Expr {
  return {
    kind: 'case',
    subject: isNode(fields['arg']) ? expr(fields['arg']) : undefined,
    whens: nodesOf(fields['args']).map((node) => {
      const when = nodeOf(node['CaseWhen']) ?? {}
      return { when: expr(when['expr']), then: expr(when['result']) }
    }),
    otherwise: isNode(fields['defresult']) ? expr(fields['defresult']) : undefined,
  }
}

/** `pg_catalog.int4` and `int4` are `integer`: names as format_type prints them, without a modifier. */
export function typeName(node: Node | undefined): string {
  if (node === undefined) return ''
  const names = namesOf(node['names']).filter((name) => name !== 'pg_catalog')
  const name = names.join('.')
  const modifier = nodesOf(node['typmods']).map((item) => {
    const [kind, fields] = unwrap(item)
    return kind === 'A_Const' ? String(lowerConstant(fields)) : '?'
  })
  // bpchar and bit carry a modifier of 1 that nobody wrote; it matters, for the cast cuts the value.
  const suffix = modifier.length > 0 ? `(${modifier.join(',')})` : ''
  const array = nodesOf(node['arrayBounds']).length > 0 ? '[]' : ''
  return `${TYPE_NAMES[name] ?? name}${suffix}${array}`
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  bool: 'boolean',
  varchar: 'character varying',
  bpchar: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
}

const EMPTY: Query = {
  kind: 'other',
  with: [],
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
      // RETURN expression, the one-line form of a SQL function, is SELECT expression.
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

function common(fields: Node, node: string): Pick<Query, 'with' | 'returning' | 'node'> {
  const returning = nodesOf(nodeOf(fields['returningClause'])?.['exprs'])
  return {
    node,
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
    return { kind: 'subquery', alias, ...aliasColumns(fields['alias']), query }
  }
  if (kind === 'RangeFunction') {
    const calls = nodesOf(fields['functions']).flatMap((item) => exprs(nodeOf(item['List'])?.['items']).slice(0, 1))
    return { kind: 'function', alias, ...aliasColumns(fields['alias']), calls }
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
