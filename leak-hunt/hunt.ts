import type { Placement } from '../src/context/placement.ts'
import { runWithTenant } from '../src/context/run-with-tenant.ts'
import { outsideOfTenants } from '../src/context/store.ts'
import type { TenantPool } from '../src/database/pool/create-tenant-pool.ts'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** The parameters of one operation. */
export interface Turn {
  readonly stage: Stage
  readonly ledger: Ledger
  readonly random: Random
  readonly pool: TenantPool
  readonly tenantId: string
  /** Another tenant, for attacks. */
  readonly victimId: string
}

/** One operation of a tenant's code, or of an attacker inside it. */
export interface Operation {
  readonly name: string
  readonly weight: number
  /** Runs only on this pool. */
  readonly only?: 'open' | 'strict'
  /** Runs only with a seal, because without it the attack is known to succeed. */
  readonly needsSeal?: boolean
  /** Runs only where tenants can have schemas of their own. */
  readonly needsSchemas?: boolean
  /** Runs only for tenants that use the shared table and never move. */
  readonly settled?: boolean
  /** Does not run behind a transaction pooler, where it has no meaning or is known to fail. */
  readonly notPooled?: boolean
  /** Codes of errors that this operation causes on purpose. */
  readonly plannedCodes?: readonly string[]
  run(turn: Turn): Promise<void>
}

const LOST_CONNECTION =
  /Connection terminated|connection (was|broke|is) |ECONNRESET|EPIPE|timeout exceeded|not queryable|socket/i
// 08P01 is a protocol violation and not a lost connection: the server could not understand our messages.
const LOST_CODES = /^(08(?!P01)|57P)|^(ECONNRESET|EPIPE|ECONNREFUSED|ETIMEDOUT|PARTYWALL_CONNECTION_IN_DOUBT)$/

// PgBouncer reports a lost connection with the code of a protocol violation, so look at its message.
const POOLER_LOST = /server conn crashed|client sent partial pkt in startup phase/

/** row_security = off, read-only, a time-out of 1 ms. */
const OWN_RESIDUE = new Set(['42501', '25006', '57014'])

/** Whether an error means a lost connection. Any operation may get it, because the faults come at random. */
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

/** The refusal of a statement whose tenant is being moved, or whose placement is outdated. */
export const MISPLACED = 'PARTYWALL_DEPENDENCY_UNAVAILABLE'

/** Runs one operation for its tenant. An error that it does not expect is a violation. */
export async function takeTurn(operation: Operation, turn: Turn): Promise<void> {
  const begun = performance.now()
  try {
    await asTenant(turn.stage, turn.tenantId, () => operation.run(turn))
  } catch (error) {
    if (isLostConnection(error)) return
    const code = codeOf(error)
    if (operation.plannedCodes?.includes(code) === true) return
    if (error instanceof Error && error.name === 'PlannedError') return
    const { fleet } = turn.stage
    if (code === MISPLACED && [turn.tenantId, turn.victimId].some((id) => fleet.hasMovedSince(id, begun))) return
    // Residue of the same tenant's own attacker is allowed: the pool cleans the connection completely only for another tenant.
    if (turn.stage.fleet.attackers.includes(turn.tenantId) && OWN_RESIDUE.has(code)) return
    const kind = code === '57014' ? 'cancel that nobody planned' : 'refusal that nobody planned'
    const pool = turn.pool === turn.stage.open ? 'open' : turn.pool === turn.stage.strict ? 'strict' : 'pipelined'
    turn.ledger.violate(
      kind,
      `${operation.name} (${pool}), after ${Math.round(performance.now() - begun)} ms: ${code} ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** Runs code as a request of the tenant, with the placement that the directory answers now. */
export function asTenant<T>(stage: Stage, tenantId: string, fn: () => T): T {
  return runWithTenant({ tenantId, userId: 'hunter', placement: stage.fleet.placementOf(tenantId) }, fn)
}

/** Runs code as another request, not nested in the first context. It begins in the same tick. */
export function asAnotherRequest<T>(stage: Stage, tenantId: string, fn: () => T): T {
  return outsideOfTenants(() => asTenant(stage, tenantId, fn))
}

/** Runs code as a request whose placement is given, as in a process with an outdated or a wrong answer of the directory. */
export function asPlaced<T>(tenantId: string, placement: Placement | undefined, fn: () => T): T {
  return outsideOfTenants(() => runWithTenant({ tenantId, userId: 'hunter', placement }, fn))
}

/** An error that the user's code throws on purpose. */
export class PlannedError extends Error {
  override readonly name = 'PlannedError'
}
