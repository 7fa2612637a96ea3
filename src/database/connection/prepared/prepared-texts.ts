import { randomBytes } from 'node:crypto'
import type { PgConnection } from '../../wire/pg-internals.ts'
import type { RowShapes } from '../../wire/row-shapes.ts'
import { closeStatement } from '../../wire/statement-message.ts'
import type { PopularTexts } from './popular-texts.ts'

/** Maximum number of texts that a connection keeps prepared. Each plan takes some tens of kilobytes of the server's memory. */
const MAX_NAMES = 200
/**
 * A text loses its name only if none of the last statements used it. This is the number of these statements. Without this rule, a
 * connection with too many texts would prepare and close them all the time.
 */
const KEPT_FOR = 1_000

/** A longer text gets no name: its plan may be large, and the time to look it up grows with its length. */
const MAX_TEXT_CHARS = 10_000

interface Named {
  readonly name: string
  /** The count of statements when the name was last used. */
  usedAt: number
}

/**
 * The names under which one connection has prepared texts.
 *
 * - One name for each database role: PostgreSQL plans a statement with row-level security anew whenever the role changes. Versions before
 *   17.1, 16.5 and 15.9 did not always do so, and then used the policies of the previous role.
 * - One name for each schema that tenants have of their own. PostgreSQL plans a statement anew if search_path changes, and refuses it if a
 *   type of its parameters or columns belongs to another schema.
 * - Nobody can prepare another text under a name before us: the names are random. (`pg_prepared_statements` shows them afterwards.)
 * - A name is never used twice. If a statement is gone or out of date, its text gets a new name.
 *
 * @see CVE-2024-10976, "PostgreSQL row security below e.g. subqueries disregards user ID changes"
 */
export class PreparedTexts {
  readonly #popular: PopularTexts
  readonly #shapes: RowShapes
  readonly #beginning = `partywall_${randomBytes(8).toString('hex')}_`
  /** The names in use, by database role and placement, then by text. */
  readonly #named = new Map<string, Map<string, Named>>()
  #size = 0
  #given = 0
  #uses = 0
  /** Until this count of statements no name can be freed, so the search for one is skipped. */
  #fullUntil = 0
  #generation: number
  #toClose: string[] = []

  constructor(popular: PopularTexts, shapes: RowShapes) {
    this.#popular = popular
    this.#shapes = shapes
    this.#generation = popular.generation
  }

  /** @returns the name of the text for this role and placement; undefined if it must be sent without a name */
  nameOf(
    text: string,
    use: { readonly role: string; readonly placement: string; readonly tenantId: string; readonly atOnce: boolean },
  ): string | undefined {
    if (text.length > MAX_TEXT_CHARS) return undefined
    this.#uses++
    if (this.#generation !== this.#popular.generation) this.#closeAll()
    const place = use.placement === '' ? use.role : `${use.role} ${use.placement}`
    const known = this.#named.get(place)?.get(text)
    if (known !== undefined) {
      known.usedAt = this.#uses
      return known.name
    }
    const worth = use.atOnce || this.#popular.counts(text, use.tenantId)
    return worth ? this.#nameFor(text, place) : undefined
  }

  #nameFor(text: string, place: string): string | undefined {
    if (this.#size >= MAX_NAMES && !this.#takeBack()) return undefined
    const name = `${this.#beginning}${++this.#given}`
    let texts = this.#named.get(place)
    if (texts === undefined) {
      texts = new Map()
      this.#named.set(place, texts)
    }
    texts.set(text, { name, usedAt: this.#uses })
    this.#size++
    return name
  }

  /** Frees the name that was unused for the longest time. @returns false if even that one was used recently */
  #takeBack(): boolean {
    if (this.#uses < this.#fullUntil) return false
    let oldest: { readonly texts: Map<string, Named>; readonly text: string; readonly named: Named } | undefined
    for (const texts of this.#named.values()) {
      for (const [text, named] of texts) {
        if (oldest === undefined || named.usedAt < oldest.named.usedAt) oldest = { texts, text, named }
      }
    }
    if (oldest === undefined) return false
    this.#fullUntil = oldest.named.usedAt + KEPT_FOR
    if (this.#uses < this.#fullUntil) return false
    oldest.texts.delete(oldest.text)
    this.#size--
    this.#toClose.push(oldest.named.name)
    return true
  }

  #closeAll(): void {
    for (const texts of this.#named.values()) for (const { name } of texts.values()) this.#toClose.push(name)
    this.#named.clear()
    this.#size = 0
    this.#generation = this.#popular.generation
  }

  /** Called when the server has refused the plan of this text. */
  stale(text: string): void {
    this.#popular.stale(text)
  }

  /**
   * Close messages for the freed names, to be sent with the next statement; undefined if there are none. They need no Sync of their own,
   * because nothing waits for the answers.
   */
  takeCloses(connection: PgConnection): Buffer | undefined {
    if (this.#toClose.length === 0) return undefined
    const closes = this.#toClose.map((name) => {
      delete connection.parsedStatements[name]
      this.#shapes.forget(name)
      return closeStatement(name)
    })
    this.#toClose = []
    return Buffer.concat(closes)
  }

  /** Called after DISCARD ALL, which has removed all prepared statements. */
  forgetAll(): void {
    this.#closeAll()
    for (const name of this.#toClose) this.#shapes.forget(name)
    this.#toClose = []
  }
}
