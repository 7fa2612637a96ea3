import { lowerConstant, operatorSchema, typeName } from './lower-names.ts'
import { isNode, type Node, namesOf, nodeOf, nodesOf, numberOf, textOf, unwrap } from './nodes.ts'
import type { Expr, Query } from './tree.ts'

const SUBLINKS: Readonly<Record<string, 'exists' | 'scalar' | 'any' | 'all' | 'array'>> = {
  EXISTS_SUBLINK: 'exists',
  EXPR_SUBLINK: 'scalar',
  ANY_SUBLINK: 'any',
  ALL_SUBLINK: 'all',
  ARRAY_SUBLINK: 'array',
}

/** Functions that convert the parser's expression nodes into verify's own tree. */
interface ExpressionLowering {
  lowerExpression(node: Node): Expr
  partsOf(fields: Node): readonly Expr[]
}

/**
 * Makes the functions that convert expressions.
 *
 * @param lowerSelect converts a query. It is passed in, because expressions contain queries and queries contain expressions
 */
export function expressionLowering(lowerSelect: (fields: Node) => Query): ExpressionLowering {
  return { lowerExpression, partsOf }

  /** Turns an expression node of the parser into verify's own tree. */
  function lowerExpression(node: Node): Expr {
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
          // IN (SELECT …) has no operator name in the parse tree. It means = ANY.
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
        // Code that reads `args` goes by position, and a named argument may stand at any position. So the argument becomes a node of kind
        // `other`.
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

  /** Returns all expressions below a node. Used for nodes of a kind that `tree.ts` does not have. */
  function partsOf(fields: Node): readonly Expr[] {
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

  function lowerCall(fields: Node): Expr {
    const names = namesOf(fields['funcname'])
    // OVER, WITHIN GROUP and VARIADIC change the value of a call.
    if (isNode(fields['over']) || fields['agg_within_group'] === true || fields['func_variadic'] === true)
      return {
        kind: 'other',
        node: isNode(fields['over']) ? 'WindowFunc' : 'FuncCall',
        parts: [plainCall(names, fields), ...partsOf(nodeOf(fields['over']) ?? {})],
      }
    return plainCall(names, fields)
  }

  function plainCall(names: readonly string[], fields: Node): Expr {
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
}
