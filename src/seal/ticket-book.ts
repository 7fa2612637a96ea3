import type { SealSource } from './seal-source.ts'
import { endOfSlot, lastSecondOf, slotAt, type TicketSubject, ticketHash } from './ticket.ts'

/** Sends one registration to the database. */
export type Register = (batch: string, mac: string) => Promise<unknown>

/** A ticket, and the moment from which the next slot's ticket must be used. */
export interface CurrentTicket {
  readonly ticket: string
  /** Milliseconds since 1970. */
  readonly renewAt: number
}

interface Waiting {
  readonly subject: TicketSubject
  readonly slot: number
  readonly ticket: string
}

/** Milliseconds in which further tickets join a registration. */
const GATHER_MS = 5
/** Tickets of one registration. */
const MAX_BATCH = 200
/** Milliseconds without registrations after one that failed. */
const PAUSE_MS = 5_000
/** Registered tickets that are remembered. Beyond, they are registered again, which changes nothing. */
const MAX_REMEMBERED = 100_000

/**
 * Hands out the tickets of one pool, and has each registered in the database in the background, once in each slot of time.
 *
 * Nothing waits for a registration and nothing depends on it: for a ticket that the database does not know, it checks the whole seal.
 */
export class TicketBook {
  readonly #source: SealSource
  readonly #register: Register
  #slot = 0
  #asked = new Set<string>()
  #waiting: Waiting[] = []
  #sending = false
  #pausedUntil = 0

  constructor(source: SealSource, register: Register) {
    this.#source = source
    this.#register = register
  }

  current(subject: TicketSubject, now: number): CurrentTicket {
    const slot = slotAt(now)
    const ticket = this.#source.ticketMaker.ticket(subject, slot)
    this.#ask(subject, slot, ticket, now)
    return { ticket, renewAt: endOfSlot(slot) }
  }

  #ask(subject: TicketSubject, slot: number, ticket: string, now: number): void {
    if (now < this.#pausedUntil) return
    if (slot !== this.#slot || this.#asked.size >= MAX_REMEMBERED) {
      this.#slot = slot
      this.#asked = new Set()
    }
    // The ticket names database, tenant, mode and slot.
    if (this.#asked.has(ticket)) return
    this.#asked.add(ticket)
    this.#waiting.push({ subject, slot, ticket })
    this.#sendSoon()
  }

  #sendSoon(): void {
    if (this.#sending || this.#waiting.length === 0) return
    this.#sending = true
    setTimeout(() => void this.#send(), GATHER_MS).unref()
  }

  async #send(): Promise<void> {
    const [first] = this.#waiting
    if (first === undefined) return
    const { slot, subject } = first
    const fits = (entry: Waiting) => entry.slot === slot && entry.subject.database === subject.database
    const batch = this.#waiting.filter(fits).slice(0, MAX_BATCH)
    const sent = new Set(batch)
    this.#waiting = this.#waiting.filter((entry) => !sent.has(entry))
    try {
      const tickets = batch.map((entry) => ({
        hash: ticketHash(entry.ticket),
        tenant: entry.subject.tenantId,
      }))
      const { text, mac } = this.#source.maker.registration(tickets, {
        database: subject.database,
        notAfter: lastSecondOf(slot),
        now: Date.now(),
      })
      await this.#register(text, mac)
    } catch {
      // The seals are checked as a whole meanwhile. The next seals of these tenants ask again.
      this.#pausedUntil = Date.now() + PAUSE_MS
      for (const { ticket } of [...batch, ...this.#waiting]) this.#asked.delete(ticket)
      this.#waiting = []
    } finally {
      this.#sending = false
      this.#sendSoon()
    }
  }
}
