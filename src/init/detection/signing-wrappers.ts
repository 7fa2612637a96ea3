import { closingOf } from '../code/source-text.ts'

/** A call that surely signs a token, with a name as its first argument: `jwt.sign(claims`, `jwt.sign({ ...claims`. */
const SIGNED_NAME =
  /(?:new\s+SignJWT|\b(?:jwt|jsonwebtoken|\w{0,40}jwtService)\.sign(?:Async)?)\s*\(\s*(?:\{\s*\.\.\.)?(\w{1,64})\s*[,)}]/gi
/** What may be the beginning of a function with a name: `function signToken(`, `const signToken = async (`, `signToken(`. */
const HEADS = /\b(\w{1,64})\s*(?::[^=;(){}]{1,80})?(?:=\s*(?:async\s*)?(?:function\s*)?)?\(/g
const NO_FUNCTION = new Set(['if', 'for', 'while', 'switch', 'catch', 'function', 'return', 'await', 'async'])

/**
 * The names of functions that sign a parameter of theirs, such as `signToken` of `const signToken = (claims) => jwt.sign(claims, secret)`.
 *
 * @param text code without comments, with the usual names of the libraries (`withUsualNames`)
 */
export function signingWrappers(text: string): readonly string[] {
  return [...text.matchAll(SIGNED_NAME)].flatMap(({ index, 1: argument = '' }) => {
    const name = functionAround(text, index, argument)
    return name === undefined ? [] : [name]
  })
}

/** The name of the nearest function before `position` with a parameter of this name. */
function functionAround(text: string, position: number, parameter: string): string | undefined {
  const heads = [...text.slice(0, position).matchAll(HEADS)].filter(({ index, 0: head, 1: name = '' }) => {
    const open = index + head.length - 1
    const close = closingOf(text, open)
    if (NO_FUNCTION.has(name) || close === undefined || close > position) return false
    return (
      parametersOf(text.slice(open + 1, close)).includes(parameter) &&
      /^\s*(?::[^;]{1,120})?(?:=>|\{)/.test(text.slice(close + 1))
    )
  })
  return heads.at(-1)?.[1]
}

/** The names in a list of parameters, such as `claims: Claims, days = 7`. Names inside of object types are among them. */
function parametersOf(list: string): readonly string[] {
  return list.split(',').flatMap((part) => /^\s*(\w{1,64})/.exec(part)?.[1] ?? [])
}

/** The positions behind the opening parenthesis of each call of one of these functions. */
export function callsOf(text: string, names: readonly string[]): readonly number[] {
  if (names.length === 0) return []
  const wanted = new Set(names)
  return [...text.matchAll(/\b(\w{1,64})\s*\(/g)].flatMap(({ index, 0: found, 1: name = '' }) =>
    wanted.has(name) && !/\bfunction\s+$/.test(text.slice(Math.max(0, index - 20), index))
      ? [index + found.length]
      : [],
  )
}
