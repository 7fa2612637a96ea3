import { runWithTenant } from '../src/context/run-with-tenant.ts'
import { outsideOfTenants } from '../src/context/store.ts'
import type { TenantPool } from '../src/database/pool/create-tenant-pool.ts'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** What an operation works with. */
export interface Turn {
  readonly stage: Stage
  readonly ledger: Ledger
  readonly random: Random
  readonly pool: TenantPool
  readonly tenantId: string
  /** Another tenant, for attacks. */
  readonly victimId: string
}

/** One thing that a tenant's code does, or an attacker in it. */
export interface Operation {
  readonly name: string
  readonly weight: number
  /** Runs only on this pool. */
  readonly only?: 'open' | 'strict'
  /** Needs the seal: without it the attack is known to succeed. */
  readonly needsSeal?: boolean
  /** Has no meaning behind a transaction pooler, or is known to go wrong there. */
  readonly notPooled?: boolean
  /** Codes of errors that this operation causes itself. */
  readonly plannedCodes?: readonly string[]
  run(turn: Turn): Promise<void>
}

const LOST_CONNECTION =
  /Connection terminated|connection (was|broke|is) |ECONNRESET|EPIPE|timeout exceeded|not queryable|socket/i
// 08P01 is no lost connection: messages of ours that the server could not make sense of.
const LOST_CODES = /^(08(?!P01)|57P)|^(ECONNRESET|EPIPE|ECONNREFUSED|ETIMEDOUT|PARTYWALL_CONNECTION_IN_DOUBT)$/

// PgBouncer's own words for a connection that went away, under the code of a broken protocol.
const POOLER_LOST = /server conn crashed|client sent partial pkt in startup phase/

/** row_security = off, read-only, a time-out of 1 ms. */
const OWN_RESIDUE = new Set(['42501', '25006', '57014'])

/** Whether an error says that the connection went away: any operation may meet it, since the faults strike at random. */
export function isLostConnection(error: unknown): boolean {
  const message = error instanceof Error ? error.message : ''
  const code = codeOf(error)
  return (
    LOST_CODES.test(code) ||
    (code === '08P01' && POOLER_LOST.test(message)) ||
    (code === '' && LOST_CONNECTION.test(message))
  )
}

export function codeOf(error: unknown): string {
  const code: unknown = error !== null && typeof error === 'object' ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : ''
}

/** Runs one operation for its tenant; what it throws without having planned it is a violation. */
export async function takeTurn(operation: Operation, turn: Turn): Promise<void> {
  try {
    await asTenant(turn.tenantId, () => operation.run(turn))
  } catch (error) {
    if (isLostConnection(error)) return
    const code = codeOf(error)
    if (operation.plannedCodes?.includes(code) === true) return
    if (error instanceof Error && error.name === 'PlannedError') return
    // Its own attacker's residue: the connection went to the same tenant again, so that nothing was taken back in between.
    if (turn.stage.attackers.includes(turn.tenantId) && OWN_RESIDUE.has(code)) return
    const kind = code === '57014' ? 'cancel that nobody planned' : 'refusal that nobody planned'
    const pool = turn.pool === turn.stage.open ? 'open' : turn.pool === turn.stage.strict ? 'strict' : 'pipelined'
    turn.ledger.violate(
      kind,
      `${operation.name} (${pool}): ${code} ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

export function asTenant<T>(tenantId: string, fn: () => T): T {
  return runWithTenant({ tenantId, userId: 'hunter' }, fn)
}

/** As code of another request, not nested in the first one's context. Begins in the same tick. */
export function asAnotherRequest<T>(tenantId: string, fn: () => T): T {
  return outsideOfTenants(() => asTenant(tenantId, fn))
}

/** Thrown by users' code in the middle of its work. */
export class PlannedError extends Error {
  override readonly name = 'PlannedError'
}
