import { createHash, createHmac } from 'node:crypto'
import { deriveKey } from './seal-key.ts'

/**
 * Length of a slot in seconds. A ticket is valid during its slot and for GRACE_SECONDS after it. In each slot a tenant gets a new ticket.
 */
const SLOT_SECONDS = 900
/** How many seconds a ticket stays valid after its slot. A seal is valid for less than 90 s, so no seal outlives its ticket. */
const GRACE_SECONDS = 90

/** Everything that a ticket is bound to, except its time slot. */
export interface TicketSubject {
  readonly database: string
  readonly tenantId: string
  readonly readOnly: boolean
  /** The schema of the tenant's own tables; '' or left out for the shared tables. */
  readonly placement?: string
}

/** The number of a time slot, counted from 1970. All processes whose clocks agree compute the same number. */
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

/** Makes tickets for one root secret. All processes that have the secret make the same tickets. */
export class TicketMaker {
  readonly #key: Buffer

  constructor(secret: string) {
    this.#key = deriveKey(secret, 'ticket')
  }

  /** @returns 64 hex digits, then the mode: `w` or `r` */
  ticket({ database, tenantId, readOnly, placement = '' }: TicketSubject, slot: number): string {
    const mode = readOnly ? 'r' : 'w'
    const message = JSON.stringify([database, tenantId, mode, slot, ...(placement === '' ? [] : [placement])])
    return createHmac('sha256', this.#key).update(message).digest('hex') + mode
  }
}

/** The form in which the database stores a ticket: SHA-256 of its 65 characters, in hex. */
export function ticketHash(ticket: string): string {
  return createHash('sha256').update(ticket).digest('hex')
}
