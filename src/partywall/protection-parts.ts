import type { TenantPool } from '../database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../database/settings/options.ts'
import type { ProtectionGate } from '../database/settings/protection-gate.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { ProtectionWatchOptions } from '../protection/options.ts'
import { createProtectionReader } from '../protection/protection-reader.ts'
import { createProtectionWatch } from '../protection/protection-watch.ts'

/** The gate of a wall's pool. It is created before the watch. */
export interface LateGate extends ProtectionGate {
  open(watch: ProtectionGate): void
}

/** Makes a gate that lets all work pass until the watch is set. */
export function makeGate(): LateGate {
  let watch: ProtectionGate | undefined
  return {
    open(given) {
      watch = given
    },
    refusal: () => watch?.refusal(),
    compare: () => watch?.compare() ?? Promise.resolve(),
  }
}

/** The protection watch of a wall, with its connections. */
export interface ProtectionParts {
  /** Connections that tenants' work never uses, and that still work while tenants' work is refused. */
  readonly pool: TenantPool
  /** @throws see `ProtectionWatch.record` */
  record(checks: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

/**
 * Makes the watch of a wall. Opens no connection until its first `record`.
 *
 * @returns undefined with `protectionWatch: false`
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function makeProtection(
  config: ProtectionWatchOptions | false | undefined,
  parts: {
    readonly gate: LateGate
    /** Options of the wall's pool, without its gate. */
    readonly options: TenantPoolOptions
    readonly events: SecurityEvents
    readonly logger: Logger
  },
): ProtectionParts | undefined {
  if (config === false) return undefined
  const { gate, options, events, logger } = parts
  const reader = createProtectionReader(options, READ_TIMEOUT_MS)
  const watch = createProtectionWatch(config ?? {}, { reader, sealed: options.seal !== false, events, logger })
  gate.open(watch)
  return { pool: reader.pool, record: (checks) => watch.record(checks), close: () => watch.close() }
}

const READ_TIMEOUT_MS = 5_000
