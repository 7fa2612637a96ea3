/** Maximum length of a line of a report. A terminal would break longer lines inside words. */
const WIDTH = 118

/** Wraps a text at words. A word that is longer than a line is not broken. */
export function wrapped(text: string, indent = 2): readonly string[] {
  return fill(text.split(' '), WIDTH - indent)
}

/**
 * Wraps a line of SQL at spaces outside of quotes, so that it can still be run. Lines of a comment become comments again. Further lines
 * are indented.
 */
export function wrappedSql(line: string, indent = 4): readonly string[] {
  const width = WIDTH - indent
  if (line.length <= width) return [line]
  const comment = /^(\s*-- )(.*)$/.exec(line)
  if (comment !== null) {
    const [, dashes = '-- ', text = ''] = comment
    return fill(text.split(' '), width - dashes.length).map((part) => `${dashes}${part}`)
  }
  // `--` may begin a comment or be two operators, so such a line is not wrapped.
  if (line.includes('--')) return [line]
  const [first = '', ...rest] = fill(piecesOutsideQuotes(line), width - 2)
  return [first, ...rest.map((part) => `  ${part}`)]
}

function fill(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = []
  let last: string | undefined
  for (const word of words) {
    if (last !== undefined && last.length + 1 + word.length > width) {
      lines.push(last)
      last = word
    } else last = last === undefined ? word : `${last} ${word}`
  }
  return last === undefined ? lines : [...lines, last]
}

/** Splits a line at spaces that are outside of 'text' and "name". */
function piecesOutsideQuotes(line: string): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  let quote: string | undefined
  for (const char of line) {
    if (quote !== undefined) {
      if (char === quote) quote = undefined
    } else if (char === "'" || char === '"') quote = char
    if (char === ' ' && quote === undefined) {
      pieces.push(piece)
      piece = ''
    } else piece += char
  }
  return [...pieces, piece]
}
