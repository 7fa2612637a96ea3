import type { DatabaseFunction } from '../catalog/model.ts'
import { lowerStatement } from './lower.ts'
import { isNode, type Node, nodeOf, nodesOf, numberOf, textOf, unwrap } from './nodes.ts'
import { parseExpression, parsePlRaw, parseRaw, parseStatement, parseStatements } from './parser.ts'
import type { Body, Expr, Parsed, PlStatement, PlVariable, Query } from './tree.ts'

/** Reads a function's body: SQL as text or BEGIN ATOMIC, and PL/pgSQL as far as the parser supports it. */
export function readBody(fn: DatabaseFunction): Body {
  if (fn.language === 'sql') return fn.atomicBody === undefined ? readSqlText(fn) : readAtomic(fn.atomicBody)
  if (fn.language !== 'plpgsql') return { kind: 'unreadable', reason: `language ${fn.language}` }
  if (fn.definition === undefined) return { kind: 'unreadable', reason: 'the server gives no definition' }
  const parsed = parsePlRaw(fn.definition)
  if (!parsed.ok) return { kind: 'unreadable', reason: parsed.reason }
  const datums = nodesOf(parsed.value['datums'])
  const action = nodeOf(parsed.value['action'])
  return {
    kind: 'plpgsql',
    variables: datums.flatMap(variableOf),
    statements: action === undefined ? [] : [statementOf(action, datums)],
  }
}

function readSqlText(fn: DatabaseFunction): Body {
  const parsed = parseStatements(fn.source)
  return parsed.ok ? { kind: 'sql', statements: parsed.value } : { kind: 'unreadable', reason: parsed.reason }
}

// The printed body is only a part of CREATE FUNCTION, so add the rest of the statement before parsing.
function readAtomic(body: string): Body {
  const parsed = parseRaw(`create function atomic_body() returns void language sql ${body}`)
  if (!parsed.ok) return { kind: 'unreadable', reason: parsed.reason }
  const sqlBody = nodeOf(nodeOf(parsed.value[0]?.['CreateFunctionStmt'])?.['sql_body'])
  if (sqlBody === undefined) return { kind: 'unreadable', reason: 'the body is empty' }
  return { kind: 'sql', statements: atomicNodes(sqlBody).map(lowerStatement) }
}

function atomicNodes(node: Node): readonly Node[] {
  const list = nodeOf(node['List'])
  return list === undefined ? [node] : nodesOf(list['items']).flatMap(atomicNodes)
}

function variableOf(datum: Node): readonly PlVariable[] {
  const [kind, fields] = unwrap(datum)
  const name = textOf(fields['refname'])
  if (name === undefined || kind === 'PLpgSQL_recfield') return []
  const type = textOf(nodeOf(nodeOf(fields['datatype'])?.['PLpgSQL_type'])?.['typname']) ?? 'record'
  return [{ name, type, default: isNode(fields['default_val']) ? expressionOf(fields['default_val']) : undefined }]
}

function textFrom(node: unknown): string {
  return textOf(nodeOf(nodeOf(node)?.['PLpgSQL_expr'])?.['query']) ?? ''
}

function expressionOf(node: unknown): Parsed<Expr> {
  return parseExpression(textFrom(node))
}

function queryOf(node: unknown): Parsed<Query> {
  return parseStatement(textFrom(node))
}

/** The name of the variable with this datum number: `v_org`, `new.org_id`. */
function nameOf(datums: readonly Node[], number: unknown): string {
  const [kind, fields] = unwrap(datums[numberOf(number)] ?? {})
  if (kind !== 'PLpgSQL_recfield') return textOf(fields['refname']) ?? ''
  return `${nameOf(datums, fields['recparentno'])}.${textOf(fields['fieldname']) ?? ''}`
}

function intoOf(node: unknown, datums: readonly Node[]): readonly string[] {
  const [kind, fields] = unwrap(nodeOf(node) ?? {})
  if (kind === '') return []
  if (kind !== 'PLpgSQL_row') return [textOf(fields['refname']) ?? '']
  return nodesOf(fields['fields']).map((field) => textOf(field['name']) ?? nameOf(datums, field['varno']))
}

function statementsOf(value: unknown, datums: readonly Node[]): readonly PlStatement[] {
  return nodesOf(value).map((node) => statementOf(node, datums))
}

function statementOf(node: Node, datums: readonly Node[]): PlStatement {
  const [kind, fields] = unwrap(node)
  const body = statementsOf(fields['body'], datums)
  switch (kind) {
    case 'PLpgSQL_stmt_block':
      return {
        kind: 'block',
        body,
        handlers: nodesOf(nodeOf(nodeOf(fields['exceptions'])?.['PLpgSQL_exception_block'])?.['exc_list']).map(
          (item) => {
            const handler = nodeOf(item['PLpgSQL_exception']) ?? {}
            return {
              conditions: nodesOf(handler['conditions']).map(
                (c) => textOf(nodeOf(c['PLpgSQL_condition'])?.['condname']) ?? '',
              ),
              body: statementsOf(handler['action'], datums),
            }
          },
        ),
      }
    case 'PLpgSQL_stmt_if':
      return {
        kind: 'if',
        branches: [
          { condition: expressionOf(fields['cond']), body: statementsOf(fields['then_body'], datums) },
          ...nodesOf(fields['elsif_list']).map((item) => {
            const branch = nodeOf(item['PLpgSQL_if_elsif']) ?? {}
            return { condition: expressionOf(branch['cond']), body: statementsOf(branch['stmts'], datums) }
          }),
        ],
        otherwise: statementsOf(fields['else_body'], datums),
      }
    case 'PLpgSQL_stmt_execsql':
      return {
        kind: 'sql',
        query: queryOf(fields['sqlstmt']),
        into: fields['into'] === true ? intoOf(fields['target'], datums) : [],
        strict: fields['strict'] === true,
      }
    case 'PLpgSQL_stmt_perform':
      return { kind: 'sql', query: queryOf(fields['expr']), into: [], strict: false }
    case 'PLpgSQL_stmt_call':
      return { kind: 'sql', query: queryOf(fields['expr']), into: [], strict: false }
    case 'PLpgSQL_stmt_return_query':
      if (isNode(fields['dynquery'])) return dynamic(fields['dynquery'], fields['params'], [])
      return { kind: 'return-query', query: queryOf(fields['query']) }
    case 'PLpgSQL_stmt_dynexecute':
    case 'PLpgSQL_stmt_dynfors':
      return dynamic(fields['query'], fields['params'], body)
    case 'PLpgSQL_stmt_open':
      if (isNode(fields['dynquery'])) return dynamic(fields['dynquery'], fields['params'], body)
      return {
        kind: 'loop',
        query: isNode(fields['query']) ? queryOf(fields['query']) : undefined,
        conditions: [],
        body,
      }
    case 'PLpgSQL_stmt_return':
    case 'PLpgSQL_stmt_return_next':
      return {
        kind: kind === 'PLpgSQL_stmt_return' ? 'return' : 'return-next',
        value: isNode(fields['expr']) ? expressionOf(fields['expr']) : undefined,
        variable: fields['retvarno'] === undefined ? undefined : nameOf(datums, fields['retvarno']),
      }
    case 'PLpgSQL_stmt_assign':
      return assignment(textFrom(fields['expr']), nameOf(datums, fields['varno']))
    case 'PLpgSQL_stmt_raise':
      return {
        kind: 'raise',
        // ERROR is elog level 21. RAISE without a level also has level 21, and a bare RAISE throws the current error again.
        level: numberOf(fields['elog_level']) >= 21 ? 'exception' : 'notice',
        message: textOf(fields['message']) ?? textOf(fields['condname']) ?? '',
        args: nodesOf(fields['params']).map(expressionOf),
      }
    case 'PLpgSQL_stmt_fors':
      return { kind: 'loop', query: queryOf(fields['query']), conditions: [], body }
    case 'PLpgSQL_stmt_while':
      return { kind: 'loop', query: undefined, conditions: [expressionOf(fields['cond'])], body }
    case 'PLpgSQL_stmt_loop':
    case 'PLpgSQL_stmt_fori':
    case 'PLpgSQL_stmt_foreach_a':
      return { kind: 'loop', query: undefined, conditions: expressionsIn(fields), body }
    case 'PLpgSQL_stmt_case':
      return {
        kind: 'if',
        branches: nodesOf(fields['case_when_list']).map((item) => {
          const branch = nodeOf(item['PLpgSQL_case_when']) ?? {}
          return { condition: expressionOf(branch['expr']), body: statementsOf(branch['stmts'], datums) }
        }),
        otherwise: statementsOf(fields['else_stmts'], datums),
      }
    default:
      return { kind: 'other', node: kind, expressions: expressionsIn(fields), body }
  }
}

function dynamic(text: unknown, using: unknown, body: readonly PlStatement[]): PlStatement {
  return { kind: 'dynamic', text: expressionOf(text), using: nodesOf(using).map(expressionOf), body }
}

/** Splits the text of an assignment, which contains its target: `new.org_id := x`, `a[1] = x`. */
function assignment(text: string, target: string): PlStatement {
  const at = /^[^=:]*?:?=/.exec(text)?.[0].length ?? 0
  // False if the target is an element, or a quoted name, which may itself contain `=`.
  const plain = /^\s*[\w$.\s]+:?=$/.test(text.slice(0, at))
  return {
    kind: 'assign',
    target,
    ...(plain ? {} : { part: true as const }),
    value: parseExpression(text.slice(at).trim()),
  }
}

function expressionsIn(fields: Node): readonly Parsed<Expr>[] {
  return Object.values(fields).flatMap((value) => {
    const nodes = Array.isArray(value) ? nodesOf(value) : isNode(value) ? [value] : []
    return nodes.filter((node) => isNode(node['PLpgSQL_expr'])).map(expressionOf)
  })
}
