import type { TenantContext } from '../context/tenant-context.ts'
import { ClosedError } from '../errors.ts'
import type { Work } from '../tenants/running-work.ts'
import { atMost } from './at-most.ts'
import type { TenantsConfig } from './config.ts'
import { lookups } from './directory-parts.ts'
import type { WallParts } from './make-parts.ts'
import { checkReadiness } from './readiness.ts'

/** The life cycle of a wall. Its first work, or `ready()`, starts listeners and deliveries. Closing ends them. */
export class WallLife<Claims> {
  readonly #parts: WallParts<Claims>
  readonly #tenants: TenantsConfig | undefined
  #closing: Promise<void> | undefined

  constructor(parts: WallParts<Claims>, tenants: TenantsConfig | undefined) {
    this.#parts = parts
    this.#tenants = tenants
  }

  get open(): boolean {
    return this.#closing === undefined
  }

  /**
   * Throws if no new work may begin.
   *
   * @throws {ClosedError} `PARTYWALL_CLOSED` while closing
   * @throws {ProtectionLostError} `PARTYWALL_PROTECTION_LOST`
   */
  refuseWork(): void {
    this.#refuseWhenClosing()
    const lost = this.#parts.gate.refusal()
    if (lost !== undefined) throw lost
  }

  /** Starts listeners and deliveries. Called only at the first work or by `ready()`, because creating a wall must open no connection. */
  awake(): void {
    if (!this.open) return
    this.#parts.listener?.start()
    this.#parts.raised?.alerts.start()
  }

  beginWork(tenantId: string, context?: TenantContext): Work {
    this.awake()
    const { running, tenants, tokens, revocations } = this.#parts
    const token = context === undefined ? undefined : tokens.get(context)
    const isRevoked = () => token !== undefined && revocations?.has(token) === true
    const work = running.begin(tenantId, isRevoked)
    if (isRevoked()) running.stopRevoked()
    // The tenant may have been suspended between its admission and now.
    if (tenants.isKnownInactive(tenantId)) running.stop(tenantId)
    return work
  }

  /** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all problems */
  async ready(): Promise<void> {
    this.#refuseWhenClosing()
    this.awake()
    const { protection, pool, verifier, limiter, logger } = this.#parts
    // Use the protection watch's connections. They work even while tenants' work is refused.
    const checked = protection?.pool ?? pool
    const lookup = this.#tenants?.findByClaim === undefined ? lookups(this.#tenants, checked).findByClaim : undefined
    const checks = () => checkReadiness({ pool: checked, verifier, lookup, limiter, logger })
    return protection === undefined ? checks() : protection.record(checks)
  }

  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#shutDown(timeoutMs)
    return this.#closing
  }

  async #shutDown(timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs
    const left = () => Math.max(1, end - Date.now())
    const {
      running,
      listener,
      revocations,
      verifier,
      limiter,
      telemetry,
      stopRefusalLog,
      raised,
      audited,
      protection,
      pool,
    } = this.#parts
    await atMost(timeoutMs, running.idle())
    await listener?.close()
    revocations?.close()
    verifier.close()
    await limiter?.close()
    telemetry?.close()
    stopRefusalLog?.()
    await raised?.close(left())
    await audited?.close(left())
    // Close the protection watch after the alerts, because alerts may use its connections.
    await protection?.close()
    await pool.close({ timeoutMs: left() })
  }

  #refuseWhenClosing(): void {
    if (!this.open) throw new ClosedError('The application is closing and takes no new work.')
  }
}
