import type { WallSettings } from '../../settings/wall-settings.ts'
import { sqlTokens } from '../../statement/sql-tokens.ts'
import type { StatementKind } from '../../statement/statement-kind.ts'

/** The timeouts of the next statement, as values for `set_config`; null keeps the current value. */
export interface TimeOuts {
  readonly statement: string | null | undefined
  readonly lock: string | null | undefined
}

const NONE: TimeOuts = Object.freeze({ statement: undefined, lock: undefined })

/**
 * The timeouts of the statements in one transaction. Settings are not reset inside a transaction, and injected SQL in a SELECT could remove
 * the timeouts. So they are sent again with each statement. Values that the application sets by SET LOCAL are kept: that is a statement of
 * its own, which injected SQL can't produce.
 */
export class TransactionTimeOuts {
  #own = NONE
  /** The timeouts after a SET LOCAL that was sent but not answered yet. */
  #asked: TimeOuts | undefined
  #savepoints: { readonly name: string; readonly own: TimeOuts }[] = []

  /** The timeouts that the application set; undefined if it set none. */
  get own(): TimeOuts | undefined {
    return this.#own === NONE ? undefined : this.#own
  }

  /** Called when a transaction ends, or another begins. */
  clear(): void {
    if (this.#own !== NONE) this.#own = NONE
    if (this.#savepoints.length > 0) this.#savepoints = []
    this.#asked = undefined
  }

  /** Called when a control statement, such as SET LOCAL or COMMIT, is being sent. */
  sending(kind: StatementKind, text: string): void {
    switch (kind) {
      case 'set-local':
        this.#asked = this.#with(text)
        return
      case 'savepoint':
        this.#savepoints.push({ name: lastName(text), own: this.#own })
        return
      case 'release':
        this.#savepoints.length = this.#placeOf(text)
        return
      case 'rollback-to': {
        const place = this.#placeOf(text)
        this.#own = this.#savepoints[place]?.own ?? this.#own
        this.#savepoints.length = Math.min(this.#savepoints.length, place + 1)
        return
      }
      case 'commit':
      case 'rollback':
        this.clear()
        return
      default:
    }
  }

  /** Called when the server has executed the last SET LOCAL. */
  done(): void {
    this.#own = this.#asked ?? this.#own
    this.#asked = undefined
  }

  #placeOf(text: string): number {
    const name = lastName(text)
    const place = this.#savepoints.findLastIndex((savepoint) => savepoint.name === name)
    return place === -1 ? this.#savepoints.length : place
  }

  #with(text: string): TimeOuts | undefined {
    const name = sqlTokens(text, { backslashEscapes: false })?.[2]?.text
    if (name === 'STATEMENT_TIMEOUT') return { ...this.#own, statement: valueIn(text) }
    if (name === 'LOCK_TIMEOUT') return { ...this.#own, lock: valueIn(text) }
    return undefined
  }
}

/** The parameters of the context statement's `timed` form. */
export function timeOutParameters(own: TimeOuts | undefined, settings: WallSettings): readonly (string | null)[] {
  const { statement = String(settings.statementTimeoutMs), lock = String(settings.lockTimeoutMs) } = own ?? NONE
  return [statement, lock]
}

/** The value in `SET LOCAL name = value`; undefined for DEFAULT, null for a spelling that is not understood. */
function valueIn(text: string): string | null | undefined {
  const value = text.slice(afterEquals(text)).trim().replace(/;$/, '').trimEnd()
  if (/^default$/i.test(value)) return undefined
  if (/^\d{1,10}$/.test(value)) return value
  return /^'[^'\\]{0,40}'$/.test(value) ? value.slice(1, -1) : null
}

function afterEquals(text: string): number {
  const equals = text.indexOf('=')
  if (equals !== -1) return equals + 1
  const to = /\sto\s/i.exec(text)
  return to === null ? text.length : to.index + to[0].length
}

function lastName(text: string): string {
  const name = text.trim().replace(/;$/, '').trimEnd().split(/\s/).at(-1) ?? ''
  return name.startsWith('"') ? name : name.toLowerCase()
}
