import type { SealSource } from './seal-source.ts'
import { endOfSlot, lastSecondOf, slotAt, type TicketSubject, ticketHash } from './ticket.ts'

/** A ticket, and the moment from which the next slot's ticket must be used. */
export interface CurrentTicket {
  readonly ticket: string
  /** Milliseconds since 1970. */
  readonly renewAt: number
}

/** Tickets that one call of `partywall.register_tickets()` registers. */
interface TicketBatch {
  /** Arguments of the call. */
  readonly text: string
  readonly mac: string
  registered(): void
  /**
   * The call failed: its tickets are asked for again later.
   *
   * @returns whether this is the moment to say so: several calls failed in a row, and nobody was told
   */
  failed(): boolean
}

interface Waiting {
  readonly subject: TicketSubject
  readonly slot: number
  readonly ticket: string
}

/** Tickets of one batch. */
const MAX_BATCH = 200
/** Milliseconds without registrations after one that failed. */
const PAUSE_MS = 5_000
/** Registrations that fail in a row before somebody is told. One may fail because a connection ends or a lock is held. */
const FAILURES_TOLD = 3
/** Registered tickets that are remembered. Beyond, they are registered again, which changes nothing. */
const MAX_REMEMBERED = 100_000

/**
 * The tickets of one pool: hands them out, and knows which of them the database has yet to be told, once in each slot of time.
 *
 * Nothing waits for a registration and nothing depends on it: for a ticket that the database does not know, it checks the whole seal.
 */
export class TicketBook {
  readonly #source: SealSource
  #slot = 0
  /** The tickets of the slot that were asked for, by database, tenant and mode. */
  #tickets = new Map<string, string>()
  #waiting: Waiting[] = []
  #pausedUntil = 0
  #failures = 0

  constructor(source: SealSource) {
    this.#source = source
  }

  current(subject: TicketSubject, now: number): CurrentTicket {
    const slot = slotAt(now)
    const renewAt = endOfSlot(slot)
    const known = slot === this.#slot ? this.#tickets.get(keyOf(subject)) : undefined
    if (known !== undefined) return { ticket: known, renewAt }
    const ticket = this.#source.ticketMaker.ticket(subject, slot)
    this.#note({ subject, slot, ticket }, now)
    return { ticket, renewAt }
  }

  #note(asked: Waiting, now: number): void {
    if (now < this.#pausedUntil) return
    if (asked.slot !== this.#slot || this.#tickets.size >= MAX_REMEMBERED) {
      this.#slot = asked.slot
      this.#tickets = new Map()
      // Nobody has registered them in their slot: a library with a pool of its own gives no connection back to ours.
      this.#waiting = []
    }
    this.#tickets.set(keyOf(asked.subject), asked.ticket)
    this.#waiting.push(asked)
  }

  /** Whether there are tickets to register. */
  get pending(): boolean {
    return this.#waiting.length > 0
  }

  /** The next tickets to register. Undefined where there are none, which is nearly always. */
  nextBatch(): TicketBatch | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    const { slot, subject } = first
    const fits = (entry: Waiting) => entry.slot === slot && entry.subject.database === subject.database
    const batch = this.#waiting.filter(fits).slice(0, MAX_BATCH)
    const taken = new Set(batch)
    this.#waiting = this.#waiting.filter((entry) => !taken.has(entry))
    const tickets = batch.map(({ ticket, subject }) => ({
      hash: ticketHash(ticket),
      tenant: asStored(subject.tenantId),
    }))
    const until = { database: subject.database, notAfter: lastSecondOf(slot), now: Date.now() }
    return {
      ...this.#source.maker.registration(tickets, until),
      registered: () => {
        this.#failures = 0
      },
      failed: () => this.#failed(batch),
    }
  }

  /** The seals are checked as a whole meanwhile. The next seals of these tenants ask again. */
  #failed(batch: readonly Waiting[]): boolean {
    this.#pausedUntil = Date.now() + PAUSE_MS
    for (const { subject } of [...batch, ...this.#waiting]) this.#tickets.delete(keyOf(subject))
    this.#waiting = []
    return ++this.#failures === FAILURES_TOLD
  }
}

/** No id and no name of a database has the character NUL. */
function keyOf({ database, tenantId, readOnly }: TicketSubject): string {
  return `${readOnly ? 'r' : 'w'}${database}\0${tenantId}`
}

/** The id as the database gets it from the seal. PostgreSQL refuses the escape of half a surrogate pair, and all of its batch with it. */
function asStored(tenantId: string): string {
  return Buffer.from(tenantId, 'utf8').toString('utf8')
}
