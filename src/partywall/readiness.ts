import type { TenantPool } from '../database/pool/create-tenant-pool.ts'
import { ConfigurationError } from '../errors.ts'
import type { Logger } from '../logger/logger.ts'
import type { RateLimiter } from '../rate-limit/rate-limiter.ts'
import type { TenantLookup } from '../tenants/tenant.ts'
import { explainLookup, sayFinding } from './readiness-cures.ts'

/** Parts of the wall that must be ready before it serves requests. */
interface ReadinessParts {
  readonly pool: Pick<TenantPool, 'checkDatabase'>
  readonly verifier: { ready(): Promise<void> }
  /** The lookup in the application's database; undefined if the directory is a function. */
  readonly lookup: TenantLookup | undefined
  readonly limiter: RateLimiter | undefined
  readonly logger: Logger
}

/**
 * Runs all checks at the same time.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all findings, each with its fix
 */
export async function checkReadiness({ pool, verifier, lookup, limiter, logger }: ReadinessParts): Promise<void> {
  // Remove duplicates: two checks may report the same problem, such as a database that is down.
  const findings = new Set<string>()
  const check = async (call: () => Promise<unknown>, say = messageOf) => {
    try {
      await call()
    } catch (error) {
      findings.add(say(error))
    }
  }
  await Promise.all([
    check(() => verifier.ready()),
    // Do not use ping(), because it has the time limit of a request, and the first connection may take longer.
    check(async () => limiter?.ready()),
    check(async () => lookup?.('partywall-readiness').catch(explainLookup), sayFinding),
    check(async () => {
      for (const { severity, object, message, fix } of await pool.checkDatabase()) {
        if (severity === 'error') findings.add(`${message}\n      ${fix.replaceAll('\n', '\n      ')}`)
        else logger.warn({ object, fix }, message)
      }
    }, sayFinding),
  ])
  if (findings.size === 0) return
  const problems = [...findings]
  throw new ConfigurationError(`partywall is not ready:\n  - ${problems.join('\n  - ')}`, { details: { problems } })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
