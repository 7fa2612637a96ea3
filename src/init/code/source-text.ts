/** An expression in a source text: `text.slice(start, end)`. */
interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The span of a call whose opening parenthesis ends the match of `pattern`, up to the closing parenthesis. Strings, templates and comments
 * are skipped. Undefined if there is not exactly one such call, or if it does not end.
 *
 * @param pattern a global expression that ends in `\(`
 */
export function onlyCall(text: string, pattern: RegExp): Span | undefined {
  const found = [...text.matchAll(pattern)]
  const [match] = found
  if (match === undefined || found.length !== 1) return undefined
  const open = match.index + match[0].length - 1
  const close = closingOf(text, open)
  return close === undefined ? undefined : { start: match.index, end: close + 1 }
}

/** The position of the bracket that closes the bracket at `open`. */
export function closingOf(text: string, open: number): number | undefined {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    const skipped = endOfSkipped(text, at)
    if (skipped !== at) {
      at = skipped - 1
      continue
    }
    const character = text[at] ?? ''
    if ('([{'.includes(character)) depth++
    else if (')]}'.includes(character) && --depth === 0) return at
  }
  return undefined
}

/** The position of the comma or bracket behind the argument, or the property, that begins at `start`. Undefined if there is none. */
export function endOfPart(text: string, start: number): number | undefined {
  for (let at = start; at < text.length; at++) {
    const skipped = endOfSkipped(text, at)
    const character = text[at] ?? ''
    if (skipped !== at) at = skipped - 1
    else if (',)]}'.includes(character)) return at
    else if ('([{'.includes(character)) {
      const close = closingOf(text, at)
      if (close === undefined) return undefined
      at = close
    }
  }
  return undefined
}

/** The text with spaces in place of its comments, so that all positions stay the same. Text in strings and templates stays. */
export function withoutComments(text: string): string {
  let result = ''
  let done = 0
  for (let at = 0; at < text.length; at++) {
    const end = endOfSkipped(text, at)
    if (end === at) continue
    if (text[at] === '/') {
      result += text.slice(done, at) + text.slice(at, end).replace(/[^\n]/g, ' ')
      done = end
    }
    at = end - 1
  }
  return result + text.slice(done)
}

/** Whether code matches, and not only a comment. */
export function codeMatches(text: string, pattern: RegExp): boolean {
  return pattern.test(text) && pattern.test(withoutComments(text))
}

/** The end of the string, template or comment that begins at `at`; `at` if none begins there. */
function endOfSkipped(text: string, at: number): number {
  const rest = (end: number, width: number) => (end < 0 ? text.length : end + width)
  if (text.startsWith('//', at)) return rest(text.indexOf('\n', at), 0)
  if (text.startsWith('/*', at)) return rest(text.indexOf('*/', at + 2), 2)
  const quote = text[at]
  if (quote !== "'" && quote !== '"' && quote !== '`') return at
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '\\') end++
    else if (text[end] === quote) return end + 1
    // No string ends here: the quote belongs to a regular expression, or is an apostrophe of JSX.
    else if (text[end] === '\n' && quote !== '`') return at + 1
  }
  return text.length
}

/** Replaces spans, which must not overlap. */
export function replaceSpans(text: string, changes: readonly (Span & { readonly by: string })[]): string {
  return [...changes]
    .sort((a, b) => b.start - a.start)
    .reduce((result, { start, end, by }) => result.slice(0, start) + by + result.slice(end), text)
}
