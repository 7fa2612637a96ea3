// Reads the beginning of a statement as PostgreSQL's lexer does, far enough to know its command.

/** The index of the first character after white space, comments (which nest) and opening parentheses; -1 on a comment without end. */
export function skipNoise(text: string, from: number, parentheses: boolean): number {
  let index = from
  for (;;) {
    const unit = text.charCodeAt(index)
    if (isSpace(unit) || (parentheses && unit === 0x28)) index++
    else if (unit === 0x2d && text.charCodeAt(index + 1) === 0x2d) {
      index = endOfLine(text, index + 2)
    } else if (unit === 0x2f && text.charCodeAt(index + 1) === 0x2a) {
      index = endOfComment(text, index + 2)
      if (index === -1) return -1
    } else return index
  }
}

/** PostgreSQL's white space: space, tab, newline, return, form feed and vertical tab; not the spaces of Unicode. */
function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d)
}

function endOfLine(text: string, from: number): number {
  for (let index = from; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit === 0x0a || unit === 0x0d) return index + 1
  }
  return text.length
}

function endOfComment(text: string, from: number): number {
  let depth = 1
  for (let index = from; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    const next = text.charCodeAt(index + 1)
    if (unit === 0x2a && next === 0x2f) {
      index++
      if (--depth === 0) return index + 1
    } else if (unit === 0x2f && next === 0x2a) {
      index++
      depth++
    }
  }
  return -1
}

/**
 * The end of the ASCII word that starts at `from`; `from` itself if no word starts there, or if it continues with a character above ASCII.
 */
function endOfWord(text: string, from: number): number {
  let index = from
  for (;;) {
    const unit = text.charCodeAt(index)
    const letter = (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a
    const rest = index > from && ((unit >= 0x30 && unit <= 0x39) || unit === 0x24)
    if (letter || unit === 0x5f || rest) index++
    else return unit >= 0x80 ? from : index
  }
}

/** Reads words of a statement one after the other, in upper case; '' if no word follows. */
export class WordReader {
  readonly text: string
  #index = 0
  /** True after a comment without an end: then nothing that follows can be trusted. */
  broken = false

  constructor(text: string) {
    this.text = text
  }

  /** Returns the next word after white space and comments; with `parentheses`, also after opening parentheses. */
  next(parentheses = false): string {
    const start = skipNoise(this.text, this.#index, parentheses)
    if (start === -1) {
      this.broken = true
      return ''
    }
    const end = endOfWord(this.text, start)
    this.#index = end
    return this.text.slice(start, end).toUpperCase()
  }

  /** Skips one balanced pair of parentheses without quotes in it. @returns false if the text has no such simple pair */
  skipParentheses(): boolean {
    const start = skipNoise(this.text, this.#index, false)
    if (start === -1 || this.text[start] !== '(') return false
    const end = this.text.indexOf(')', start)
    if (end === -1) return false
    const inside = this.text.slice(start + 1, end)
    if (!/^[\w\s,.]*$/.test(inside)) return false
    this.#index = end + 1
    return true
  }

  /** The character that the next word would start at; '' at the end. */
  peek(): string {
    const start = skipNoise(this.text, this.#index, false)
    return start === -1 ? '' : (this.text[start] ?? '')
  }

  /** The rest of the text. */
  rest(): string {
    return this.text.slice(this.#index)
  }
}
