import { runWithoutTenant } from '../context/run-with-tenant.ts'
import { createHealth, type DependencyHealth, type Health, type HealthOptions } from '../health/health.ts'
import { limiterHealth, type ModalLimiter } from '../health/limiter-health.ts'

/**
 * Options of `wall.health`, with the meaning that they have for `createHealth`. `checks` are added to the checks of the wall's own
 * dependencies.
 */
export interface HealthConfig extends Partial<Pick<HealthOptions, 'checks' | 'details' | 'cacheMs' | 'timeoutMs'>> {}

/** The parts of a wall that its health check needs. */
export interface HealthParts {
  readonly pool: { query(text: string): Promise<unknown> }
  readonly verifier: { readonly ready: () => Promise<void> }
  readonly limiter: ModalLimiter | undefined
  readonly tenants: { readonly breaker: string; readonly listening: boolean }
  /** Whether there is a listener for changes of tenants. */
  readonly listens: boolean
  readonly open: boolean
}

/**
 * Health of one wall: `database`, `keys`, `limits`, `tenants`, and the application's own checks.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function makeHealth(config: HealthConfig | undefined, partsSoFar: () => HealthParts | undefined): Health {
  const parts = () => {
    const made = partsSoFar()
    if (made === undefined) throw new Error('health was asked for before the wall was made')
    return made
  }
  return createHealth({
    ...config,
    checks: {
      // A probe runs outside of any tenant's context, so it sees no rows.
      database: () => runWithoutTenant(() => parts().pool.query('select 1')).then(up),
      // Fetched keys stay valid for a day, so only an issuer whose keys were never fetched is down.
      keys: () => parts().verifier.ready().then(up),
      limits: async () => {
        const { limiter } = parts()
        return limiter === undefined ? 'up' : limiterHealth(limiter)()
      },
      async tenants() {
        const { tenants, listens } = parts()
        return tenants.breaker === 'closed' && (tenants.listening || !listens) ? 'up' : 'degraded'
      },
      ...config?.checks,
    },
    open: () => parts().open,
  })
}

const up = (): DependencyHealth => 'up'
