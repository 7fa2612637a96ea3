import { createHash, createHmac } from 'node:crypto'
import { deriveKey } from './seal-key.ts'

/** Seconds of one slot. A ticket is valid in its slot and a little longer; in the next slot, each tenant gets a new one. */
const SLOT_SECONDS = 900
/** Seconds after the end of its slot in which a ticket stays valid: no less than a seal, so that no seal outlives its ticket. */
const GRACE_SECONDS = 90

/** What a ticket is bound to, but for its slot of time. */
export interface TicketSubject {
  readonly database: string
  readonly tenantId: string
  readonly readOnly: boolean
}

/** A slot of time, counted from 1970. Every process has the same one, give or take the difference of their clocks. */
export function slotAt(nowMs: number): number {
  return Math.floor(nowMs / 1000 / SLOT_SECONDS)
}

/** The first millisecond of the next slot. */
export function endOfSlot(slot: number): number {
  return (slot + 1) * SLOT_SECONDS * 1000
}

/** The last second, since 1970, in which the tickets of a slot are valid. */
export function lastSecondOf(slot: number): number {
  return (slot + 1) * SLOT_SECONDS + GRACE_SECONDS
}

/** Makes tickets for one root secret: every process that has the secret makes the same ones. */
export class TicketMaker {
  readonly #key: Buffer

  constructor(secret: string) {
    this.#key = deriveKey(secret, 'ticket')
  }

  /** @returns 64 hex digits, then the mode: `w` or `r` */
  ticket({ database, tenantId, readOnly }: TicketSubject, slot: number): string {
    const mode = readOnly ? 'r' : 'w'
    const message = JSON.stringify([database, tenantId, mode, slot])
    return createHmac('sha256', this.#key).update(message).digest('hex') + mode
  }
}

/** What the database keeps of a ticket: SHA-256 of its 65 characters, in hex. */
export function ticketHash(ticket: string): string {
  return createHash('sha256').update(ticket).digest('hex')
}
