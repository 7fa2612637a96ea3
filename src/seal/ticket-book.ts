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
   * Must be called if the registration failed. The tickets are registered later.
   *
   * @returns whether a warning is due: several registrations have failed in a row, and no warning was logged yet
   */
  failed(): boolean
}

interface Waiting {
  readonly subject: TicketSubject
  readonly slot: number
  readonly ticket: string
}

/** Maximum number of tickets in one batch. */
const MAX_BATCH = 200
/** Pause after a failed registration, in milliseconds. No ticket is registered during the pause. */
const PAUSE_MS = 5_000
/**
 * Number of registrations that must fail in a row before a warning is logged. A single registration may fail because a connection ends, or
 * because another session holds a lock.
 */
const FAILURES_TOLD = 3
/** Maximum number of registered tickets that are remembered. A forgotten ticket may be registered a second time, which changes nothing. */
const MAX_REMEMBERED = 100_000

/**
 * Hands out the tickets of one pool, and remembers which of them must still be registered in the database. Each ticket is registered once
 * in its time slot.
 *
 * No statement waits for a registration or depends on it: if the database does not know a ticket, it checks the whole seal.
 */
export class TicketBook {
  readonly #source: SealSource
  #slot = 0
  /** The tickets that were handed out in this slot, by database, tenant, placement and mode. */
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
      // Forget tickets that were not registered in time. Tickets are registered when a connection comes back to our pool, and a library
      // with its own pool may never give a connection back.
      this.#waiting = []
    }
    this.#tickets.set(keyOf(asked.subject), asked.ticket)
    this.#waiting.push(asked)
  }

  /** Whether there are tickets to register. */
  get pending(): boolean {
    return this.#waiting.length > 0
  }

  /** The next tickets to register; undefined if there are none, which is the usual case. */
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
      ...(subject.placement ? { schema: subject.placement } : {}),
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

  /**
   * Stops registrations for PAUSE_MS. Until a ticket is registered, the database checks the whole seal instead. The first seal of a
   * tenant after the pause puts the tenant's ticket on the list again.
   */
  #failed(batch: readonly Waiting[]): boolean {
    this.#pausedUntil = Date.now() + PAUSE_MS
    for (const { subject } of [...batch, ...this.#waiting]) this.#tickets.delete(keyOf(subject))
    this.#waiting = []
    return ++this.#failures === FAILURES_TOLD
  }
}

/** NUL is a safe separator: neither an id nor the name of a database can contain it. */
function keyOf({ database, tenantId, readOnly, placement = '' }: TicketSubject): string {
  return `${readOnly ? 'r' : 'w'}${database}\0${tenantId}\0${placement}`
}

/**
 * Returns the id as the database reads it from the seal. If an id contains half a surrogate pair, JSON would otherwise contain an escape
 * for it, and PostgreSQL would refuse the whole batch.
 */
function asStored(tenantId: string): string {
  return Buffer.from(tenantId, 'utf8').toString('utf8')
}
