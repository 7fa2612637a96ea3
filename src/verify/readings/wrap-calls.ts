import type { Policy, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'

/** If `current_setting` is cast, wraps it in NULLIF, so that a missing or empty setting gives no row instead of an error. */
export function emptyAsNull(expression: string): string {
  const bare =
    /\(current_setting\(('(?:[^']|'')*')(?:::text)?(?:, true)?\)\)::(?!(?:text|character varying|character)\b(?!\[))/g
  const inside =
    /\( SELECT current_setting\(('(?:[^']|'')*')(?:::text)?(?:, true)?\) AS current_setting\)\)::(?!(?:text|character varying|character)\b(?!\[))/g
  return expression
    .replace(bare, (_, name: string) => `(NULLIF(current_setting(${name}, true), ''))::`)
    .replace(inside, (_, name: string) => `( SELECT NULLIF(current_setting(${name}, true), '')))::`)
}

/** SQL (ALTER POLICY) with USING and WITH CHECK rewritten. Undefined if the rewriting changes nothing. */
export function rewritePolicySql(
  relation: Relation,
  policy: Policy,
  rewrite: (expression: string) => string,
): string | undefined {
  const using = policy.using === undefined ? undefined : rewrite(policy.using)
  const check = policy.check === undefined ? undefined : rewrite(policy.check)
  if ((using ?? policy.using) === policy.using && (check ?? policy.check) === policy.check) return undefined
  const clauses = [
    ...(using === undefined ? [] : [`USING (${using})`]),
    ...(check === undefined ? [] : [`WITH CHECK (${check})`]),
  ]
  return `ALTER POLICY ${quoteIdentifier(policy.name)} ON ${qualifiedName(relation)} ${clauses.join(' ')};`
}

const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[\s\S]/g

/** Wraps calls of the named functions in `(select …)`, if the calls are outside of any subquery and have constant arguments. */
export function wrapCalls(expression: string, names: ReadonlySet<string>): string {
  const tokens = expression.match(TOKEN) ?? []
  let wrapped = ''
  for (let at = 0; at < tokens.length; ) {
    const select = tokens[at] === '(' && /^\s*select\b/i.test(tokens.slice(at + 1, at + 4).join(''))
    if (select) {
      const end = closing(tokens, at)
      wrapped += tokens.slice(at, end + 1).join('')
      at = end + 1
      continue
    }
    const call = callAt(tokens, at, names)
    wrapped += call === undefined ? (tokens[at] ?? '') : `(select ${call.text})`
    at = call === undefined ? at + 1 : call.end + 1
  }
  return wrapped
}

/** The call `name(…)` or `schema.name(…)` that begins at this token, if it calls one of the functions. */
function callAt(tokens: readonly string[], at: number, names: ReadonlySet<string>) {
  if (tokens[at - 1] === '.' || !/^[A-Za-z_"\u0080-\uffff]/.test(tokens[at] ?? '')) return undefined
  const open = tokens[at + 1] === '.' ? at + 3 : at + 1
  if (tokens[open] !== '(' || !names.has(tokens.slice(at, open).join(''))) return undefined
  const end = closing(tokens, open)
  return isConstant(tokens.slice(open + 1, end)) ? { text: tokens.slice(at, end + 1).join(''), end } : undefined
}

/** Whether the tokens are only literals, casts and commas, so that no column or call is among them. */
function isConstant(tokens: readonly string[]): boolean {
  const text = tokens.map((token) => (token.startsWith("'") ? '0' : token)).join('')
  return /^[\d\s,.+-]*$/.test(text.replace(/::(?:"[^"]*"|[a-z_ ])+/gi, '').replace(/\b(?:true|false|null)\b/gi, ''))
}

function closing(tokens: readonly string[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at += 1) {
    if (tokens[at] === '(') depth += 1
    if (tokens[at] === ')') depth -= 1
    if (depth === 0) return at
  }
  return tokens.length - 1
}
