import type { TenantPool } from '../database/create-tenant-pool.ts'
import { ConfigurationError } from '../errors.ts'
import type { Logger } from '../logger/logger.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import type { TenantLookup } from '../tenants/tenant.ts'

/** What a wall must have before it serves. */
export interface ReadinessParts {
  readonly pool: Pick<TenantPool, 'checkDatabase'>
  readonly verifier: { ready(): Promise<void> }
  /** The lookup in the application's own database; undefined where the directory is a function. */
  readonly lookup: TenantLookup | undefined
  readonly limiter: RateLimiter | undefined
  readonly logger: Logger
}

/**
 * Looks at everything at once.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all findings, each with what mends it
 */
export async function checkReadiness({ pool, verifier, lookup, limiter, logger }: ReadinessParts): Promise<void> {
  const findings: string[] = []
  const check = async (call: () => Promise<unknown>) => {
    try {
      await call()
    } catch (error) {
      findings.push(error instanceof Error ? error.message : String(error))
    }
  }
  await Promise.all([
    check(() => verifier.ready()),
    // Not ping(), which waits no longer than a request does: a first connection may take longer.
    check(async () => limiter?.ready()),
    check(async () => lookup?.('partywall-readiness').catch(explainLookup)),
    check(async () => {
      for (const { severity, object, message, fix } of await pool.checkDatabase()) {
        if (severity === 'error') findings.push(`${message}\n      ${fix.replaceAll('\n', '\n      ')}`)
        else logger.warn({ object, fix }, message)
      }
    }),
  ])
  if (findings.length === 0) return
  throw new ConfigurationError(`partywall is not ready:\n  - ${findings.join('\n  - ')}`, {
    details: { problems: findings },
  })
}

/** The function of the directory is not there: `partywall migrate` can't know which table is that of the tenants. */
function explainLookup(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code !== '42883' && code !== '3F000') throw error
  const cure =
    "Run as the migration role, with your table of tenants: CALL partywall.install_directory('public.tenants', 'id', 'key', 'status', 'tier')\n" +
    '      or give createPartywall({ tenants: { findByClaim } }) a function of your own.'
  throw new ConfigurationError(
    `The tenant directory is not installed: partywall.tenant_by_key is missing.\n      ${cure}`,
  )
}
