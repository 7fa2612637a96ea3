import { closingOf } from '../code/source-text.ts'
import type { ProjectFiles } from '../project-files.ts'

/** A handler of a NestJS controller. */
export interface NestRoute {
  /** `GET`; `ALL` for every method. */
  readonly method: string
  /** `/things/:id`; undefined if it is no literal text. */
  readonly path: string | undefined
  /** Whether a decorator such as `@Public()` says that the handler needs no token. */
  readonly isMarked: boolean
  /** Whether the handler or its controller has `@UseGuards`. */
  readonly isGuarded: boolean
  readonly file: string
}

const MARK = /^(?:Public|IsPublic|SkipAuth|NoAuth|AllowAnonymous)$/
const VERB = /^(?:Get|Post|Put|Patch|Delete|Head|Options|All)$/

interface Decorator {
  readonly name: string
  readonly argument: string
}

/** All handlers of all controllers. If a class can't be read to its end, only its handlers before that place are returned. */
export function nestRoutes(files: ProjectFiles): readonly NestRoute[] {
  return files
    .find(/\.[cm]?[jt]s$/)
    .filter((path) => !/\.(?:test|spec|d)\.|(?:^|\/)(?:tests?|__tests__|e2e)\//.test(path))
    .flatMap((file) => {
      const text = files.read(file) ?? ''
      return text.includes('@Controller(') ? routesIn(text, file) : []
    })
}

function routesIn(text: string, file: string): readonly NestRoute[] {
  const routes: NestRoute[] = []
  for (const found of text.matchAll(/^(?:@|export\b|class\b|abstract\b)/gm)) {
    // readClass() reads a class from its first decorator on. At each further decorator it returns undefined.
    const read = readClass(text, found.index)
    if (read === undefined) continue
    const controller = read.decorators.find(({ name }) => name === 'Controller')
    if (controller === undefined) continue
    const isMarked = read.decorators.some(({ name }) => MARK.test(name))
    const isGuarded = read.decorators.some(({ name }) => name === 'UseGuards')
    const prefix = literal(controller.argument)
    for (const member of membersOf(text, read.open + 1)) {
      const verb = member.find(({ name }) => VERB.test(name))
      if (verb === undefined) continue
      const own = literal(verb.argument)
      routes.push({
        method: verb.name.toUpperCase(),
        path: prefix === undefined || own === undefined ? undefined : join(prefix, own),
        isMarked: isMarked || member.some(({ name }) => MARK.test(name)),
        isGuarded: isGuarded || member.some(({ name }) => name === 'UseGuards'),
        file,
      })
    }
  }
  return routes
}

/** The decorators of the class that begins here, and the position of its opening brace. Undefined if none begins here. */
function readClass(
  text: string,
  start: number,
): { readonly decorators: readonly Decorator[]; readonly open: number } | undefined {
  const before = text.slice(0, start).trimEnd()
  // The line above is a decorator too, so the class was already read from there.
  if (/^@[^\n]*$/.test(before.slice(before.lastIndexOf('\n') + 1))) return undefined
  const { decorators, end } = decoratorsAt(text, start)
  const head = /^(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\b[^{]*\{/.exec(text.slice(end))
  return head === null ? undefined : { decorators, open: end + head[0].length - 1 }
}

function decoratorsAt(text: string, start: number): { readonly decorators: Decorator[]; readonly end: number } {
  const decorators: Decorator[] = []
  let at = skipBlank(text, start)
  for (;;) {
    const match = /^@([\w.]{1,100})/.exec(text.slice(at, at + 120))
    if (match === null) return { decorators, end: at }
    at += match[0].length
    let argument = ''
    if (text[at] === '(') {
      const close = closingOf(text, at)
      if (close === undefined) return { decorators, end: text.length }
      argument = text.slice(at + 1, close).trim()
      at = close + 1
    }
    decorators.push({ name: match[1] ?? '', argument })
    at = skipBlank(text, at)
  }
}

/** The decorators of each member of a class body. */
function* membersOf(text: string, start: number): Generator<readonly Decorator[]> {
  let at = skipBlank(text, start)
  while (at < text.length && text[at] !== '}') {
    const { decorators, end } = decoratorsAt(text, at)
    yield decorators
    const next = endOfMember(text, end)
    if (next === undefined) return
    at = skipBlank(text, next)
  }
}

/** The position after a field or a method. */
function endOfMember(text: string, start: number): number | undefined {
  for (let at = start; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === ';') return at + 1
    if (character === '}') return at
    if (!'([{'.includes(character)) continue
    const close = closingOf(text, at)
    if (close === undefined) return undefined
    // `Promise<{ token: string }> {`: a brace of a type, not of the body
    const isType = character !== '{' || /[<:|&,=]\s*$/.test(text.slice(Math.max(0, at - 20), at))
    if (!isType) return close + 1
    at = close
  }
  return undefined
}

function skipBlank(text: string, start: number): number {
  const blank = /(?:\s|\/\/[^\n]*|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*/y
  blank.lastIndex = start
  return start + (blank.exec(text)?.[0].length ?? 0)
}

/** The text of a decorator's argument: `'auth'`, or none. Undefined for anything else, such as an object, a list or a constant. */
function literal(argument: string): string | undefined {
  if (argument === '') return ''
  const path = /^\{\s{0,40}path:\s{0,40}(['"`][^'"`]{0,200}['"`]),?\s{0,40}\}$/.exec(argument)?.[1] ?? argument
  const text = /^(?:'([^'\\]*)'|"([^"\\]*)"|`([^`\\$]*)`)$/.exec(path)
  return text === null ? undefined : (text[1] ?? text[2] ?? text[3] ?? '')
}

function join(...parts: readonly string[]): string {
  return `/${parts
    .flatMap((part) => part.split('/'))
    .filter((part) => part !== '')
    .join('/')}`
}
