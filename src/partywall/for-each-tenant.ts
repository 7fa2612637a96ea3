import { newRequestId } from '../context/request-id.ts'
import { runInTenantFrame } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import { ConfigurationError, TenantIsolationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Work } from '../tenants/running-work.ts'
import { isActive, placementOf, type Tenant, type TenantDirectory } from '../tenants/tenant.ts'

/** The tenants for which `forEachTenant` runs, and the user of their contexts. */
export interface ForEachTenantOptions {
  /** Ids of the tenants. The directory never lists tenants, so the application says which ones. */
  readonly tenants: Iterable<string> | AsyncIterable<string>
  /** The user of each context: the name of the job. */
  readonly userId: string
  /** Roles of each context; default none. */
  readonly roles?: readonly string[] | undefined
  /** For how many tenants the function runs at the same time; default 1. */
  readonly concurrency?: number | undefined
}

export interface ForEachTenantResult {
  readonly done: number
  /** Tenants that the directory does not know or that are not active. */
  readonly skipped: readonly string[]
  readonly failed: readonly { readonly tenantId: string; readonly error: unknown }[]
}

interface ForEachTenantParts {
  readonly directory: Pick<TenantDirectory, 'findById'>
  readonly events: SecurityEvents
  beginWork(tenantId: string): Work
}

/**
 * Makes `forEachTenant`: it opens one context for each tenant. The tenant's status and placement are read from the directory just before.
 */
export function createForEachTenant({ directory, events, beginWork }: ForEachTenantParts) {
  return async function forEachTenant(
    fn: (tenant: Tenant) => Promise<unknown> | unknown,
    options: ForEachTenantOptions,
  ): Promise<ForEachTenantResult> {
    const { tenants, userId, roles = [], concurrency = 1 } = options
    if (!Number.isInteger(concurrency) || concurrency < 1)
      throw new ConfigurationError('forEachTenant({ concurrency }): must be a whole number of at least 1.')
    if (tenantStore.getStore() !== undefined)
      throw new TenantIsolationError(
        'forEachTenant() was called inside a context. Call it from a job of the application.',
      )
    const skipped: string[] = []
    const failed: { tenantId: string; error: unknown }[] = []
    let done = 0
    const one = async (tenantId: string): Promise<void> => {
      try {
        const tenant = await directory.findById(tenantId)
        if (!isActive(tenant)) {
          skipped.push(tenantId)
          return
        }
        const work = beginWork(tenant.id)
        const context = {
          tenantId: tenant.id,
          userId,
          roles,
          tier: tenant.tier,
          requestId: newRequestId(),
          ...placementOf(tenant),
        }
        try {
          await runInTenantFrame(context, { events, stopped: work.stopped }, async () => fn(tenant))
          done++
        } finally {
          work.end()
        }
      } catch (error) {
        failed.push({ tenantId, error })
      }
    }
    const waiting = iteratorOf(tenants)
    const worker = async (): Promise<void> => {
      for (let next = await waiting.next(); next.done !== true; next = await waiting.next()) await one(next.value)
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
    return { done, skipped, failed }
  }
}

async function* iteratorOf(ids: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string, void, void> {
  yield* ids
}
