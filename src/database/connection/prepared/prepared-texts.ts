import { randomBytes } from 'node:crypto'
import type { PgConnection } from '../../wire/pg-internals.ts'
import type { RowShapes } from '../../wire/row-shapes.ts'
import { closeStatement } from '../../wire/statement-message.ts'
import type { PopularTexts } from './popular-texts.ts'

/** Statements of ours that a connection keeps. Each plan takes some tens of kilobytes of the server's memory. */
const MAX_NAMES = 200
/** A name is taken away only if it was not used among this many statements: a connection whose texts are too many would only change names. */
const KEPT_FOR = 1_000

/** A longer text has no name: its plan may be large, and looking it up costs as much as its length. */
const MAX_TEXT_CHARS = 10_000

interface Named {
  readonly name: string
  /** The count of statements at which it was last used. */
  usedAt: number
}

/**
 * The names under which one connection has prepared texts.
 *
 * - One name for each database role: PostgreSQL plans a statement with row-level security anew whenever the role changes. Before 17.1, 16.5
 *   and 15.9 it did not always, and used the policies of the role before.
 * - Nobody can prepare another text under a name before us: the names are random. (`pg_prepared_statements` shows them afterwards.)
 * - A name is never given twice: where a statement is gone or out of date, its text gets another name.
 *
 * @see CVE-2024-10976, "PostgreSQL row security below e.g. subqueries disregards user ID changes"
 */
export class PreparedTexts {
  readonly #popular: PopularTexts
  readonly #shapes: RowShapes
  readonly #beginning = `partywall_${randomBytes(8).toString('hex')}_`
  /** By database role, then by text. */
  readonly #named = new Map<string, Map<string, Named>>()
  #size = 0
  #given = 0
  #uses = 0
  /** All names are in use until this count, so that none has to be looked for. */
  #fullUntil = 0
  #generation: number
  #toClose: string[] = []

  constructor(popular: PopularTexts, shapes: RowShapes) {
    this.#popular = popular
    this.#shapes = shapes
    this.#generation = popular.generation
  }

  /** @returns the name of the text for this role; undefined where it is to be sent without one */
  nameOf(
    text: string,
    use: { readonly role: string; readonly tenantId: string; readonly atOnce: boolean },
  ): string | undefined {
    if (text.length > MAX_TEXT_CHARS) return undefined
    this.#uses++
    if (this.#generation !== this.#popular.generation) this.#closeAll()
    const known = this.#named.get(use.role)?.get(text)
    if (known !== undefined) {
      known.usedAt = this.#uses
      return known.name
    }
    const worth = use.atOnce || this.#popular.counts(text, use.tenantId)
    return worth ? this.#nameFor(text, use.role) : undefined
  }

  #nameFor(text: string, role: string): string | undefined {
    if (this.#size >= MAX_NAMES && !this.#takeBack()) return undefined
    const name = `${this.#beginning}${++this.#given}`
    let texts = this.#named.get(role)
    if (texts === undefined) {
      texts = new Map()
      this.#named.set(role, texts)
    }
    texts.set(text, { name, usedAt: this.#uses })
    this.#size++
    return name
  }

  /** Takes the name away that was not used for longest. */
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

  /** The server has refused the plan of this text. */
  stale(text: string): void {
    this.#popular.stale(text)
  }

  /**
   * Close for the names that were taken away, to be sent with the next statement; undefined if there are none. It needs no Sync of its own:
   * nothing waits for the answer.
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

  /** DISCARD ALL has removed all of them. */
  forgetAll(): void {
    this.#closeAll()
    for (const name of this.#toClose) this.#shapes.forget(name)
    this.#toClose = []
  }
}
