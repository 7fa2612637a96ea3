/** As wide as a report gets: a terminal would break the line anywhere. */
const WIDTH = 118

/** The text in lines that break at words. A word that is longer than a line stays whole. */
export function wrapped(text: string, indent = 2): readonly string[] {
  return fill(text.split(' '), WIDTH - indent)
}

/**
 * A line of SQL in lines that break at spaces outside quotes; those of a comment are comments again, so that the text can still be
 * run. What follows the first line is indented.
 */
export function wrappedSql(line: string, indent = 4): readonly string[] {
  const width = WIDTH - indent
  if (line.length <= width) return [line]
  const comment = /^(\s*-- )(.*)$/.exec(line)
  if (comment !== null) {
    const [, dashes = '-- ', text = ''] = comment
    return fill(text.split(' '), width - dashes.length).map((part) => `${dashes}${part}`)
  }
  // A comment behind a statement can't be told from two operators here.
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

/** Parts of the line between spaces that stand in no 'text' and no "name". */
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
