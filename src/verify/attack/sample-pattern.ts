/**
 * A text that matches the regular expression of a CHECK. If the pattern leaves a choice, different salts give different texts.
 *
 * Knows literals, classes, groups, alternatives, quantifiers and anchors, and returns `undefined` for other patterns. The text may be
 * wrong without harm: the server's own CHECK decides whether it is accepted.
 */
export function samplePattern(pattern: string, salt: number): string | undefined {
  const sampler = new Sampler(pattern, salt)
  try {
    return sampler.whole()
  } catch (error) {
    if (error instanceof UnknownPattern) return undefined
    throw error
  }
}

/** A text that matches a LIKE pattern. */
export function sampleLike(pattern: string, salt: number): string {
  return pattern.replaceAll('%', `x${salt}`).replaceAll('_', 'a')
}

class UnknownPattern extends Error {}

const CLASSES: Readonly<Record<string, string>> = {
  d: '0123456789',
  w: 'abcdefghijklmnopqrstuvwxyz0123456789_',
  s: ' ',
}
const POSIX: Readonly<Record<string, string>> = {
  alpha: 'abcdefghijklmnopqrstuvwxyz',
  lower: 'abcdefghijklmnopqrstuvwxyz',
  upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  digit: '0123456789',
  xdigit: '0123456789abcdef',
  alnum: 'abcdefghijklmnopqrstuvwxyz0123456789',
  space: ' ',
}
const ANY = CLASSES['w'] ?? ''

class Sampler {
  readonly #pattern: string
  #salt: number
  #at = 0

  constructor(pattern: string, salt: number) {
    this.#pattern = pattern
    this.#salt = salt
  }

  whole(): string {
    const text = this.#alternatives()
    if (this.#at < this.#pattern.length) throw new UnknownPattern()
    return text
  }

  #alternatives(): string {
    const ways = [this.#sequence()]
    while (this.#take('|')) ways.push(this.#sequence())
    return ways[this.#choose(ways.length)] ?? ''
  }

  #sequence(): string {
    let text = ''
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#peek())) text += this.#repeated()
    return text
  }

  #repeated(): string {
    const start = this.#at
    let text = this.#one()
    const end = this.#at
    const [least, most] = this.#quantifier()
    if (least === 1 && most === 1) return text
    // Repeat a few times more than required, and choose again each time, so that two salts give different texts.
    const times = Math.max(least, Math.min(most, least === 0 ? 1 : least + 2))
    const after = this.#at
    if (times === 0) return ''
    for (let round = 1; round < times; round += 1) {
      this.#at = start
      text += this.#one()
      this.#at = end
    }
    this.#at = after
    return text
  }

  #quantifier(): readonly [number, number] {
    const counted = /^\{(\d+)(,?)(\d*)\}/.exec(this.#pattern.slice(this.#at))
    let bounds: readonly [number, number] = [1, 1]
    if (counted !== null) {
      this.#at += counted[0].length
      const least = Number(counted[1])
      bounds = [least, counted[2] === '' ? least : counted[3] === '' ? least + 8 : Number(counted[3])]
    } else if (this.#take('*')) bounds = [0, 8]
    else if (this.#take('+')) bounds = [1, 8]
    else if (this.#take('?')) bounds = [0, 1]
    this.#take('?') // non-greedy quantifier: matches the same texts
    return bounds
  }

  #one(): string {
    const char = this.#next()
    switch (char) {
      case '^':
      case '$':
        return ''
      case '.':
        return this.#pick(ANY)
      case '(': {
        if (this.#take('?') && !this.#take(':')) throw new UnknownPattern()
        const inner = this.#alternatives()
        if (!this.#take(')')) throw new UnknownPattern()
        return inner
      }
      case '[':
        return this.#pick(this.#class())
      case '\\': {
        const escaped = this.#next()
        if (/[AZmMyY]/.test(escaped)) return ''
        if (/[0-9BDSW]/.test(escaped)) throw new UnknownPattern()
        const named = CLASSES[escaped]
        return named === undefined ? escaped : this.#pick(named)
      }
      default:
        return char
    }
  }

  /** The characters of a bracket expression. For a negated expression, the plain letters and digits that it does not contain. */
  #class(): string {
    const negated = this.#take('^')
    let chars = ''
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const posix = /^\[:(\w+):\]/.exec(this.#pattern.slice(this.#at))
      if (posix !== null) {
        this.#at += posix[0].length
        chars += POSIX[posix[1] ?? ''] ?? ''
        continue
      }
      let from = this.#next()
      if (from === '\\') {
        const escaped = this.#next()
        const named = CLASSES[escaped]
        if (named !== undefined) {
          chars += named
          continue
        }
        from = escaped
      }
      if (this.#peek() === '-' && this.#pattern[this.#at + 1] !== ']') {
        this.#at += 1
        const to = this.#next()
        for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code += 1) chars += String.fromCharCode(code)
      } else chars += from
    }
    this.#at += 1
    return negated ? [...ANY].filter((char) => !chars.includes(char)).join('') : chars
  }

  #pick(chars: string): string {
    if (chars === '') throw new UnknownPattern()
    return chars[this.#choose(chars.length)] ?? ''
  }

  /** Takes the next choice from the salt, as if its digits were read one by one, so that different salts choose differently. */
  #choose(ways: number): number {
    const choice = this.#salt % ways
    this.#salt = ways < 2 ? this.#salt : Math.floor(this.#salt / ways)
    return choice
  }

  #peek(): string {
    return this.#pattern[this.#at] ?? ''
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false
    this.#at += 1
    return true
  }

  #next(): string {
    const char = this.#pattern[this.#at]
    if (char === undefined) throw new UnknownPattern()
    this.#at += 1
    return char
  }
}
