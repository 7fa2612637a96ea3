import { buildIssuer, type Issuer } from './issuer.ts'
import type { ParsedOptions } from './options-schema.ts'

/** Builds all issuers of checked options, by their exact `iss`. Opens no connection: remote keys are fetched at first use. */
export function buildIssuers(
  { issuers, keyRefresh = {} }: ParsedOptions,
  surroundings: Omit<Parameters<typeof buildIssuer>[2], 'times'>,
): ReadonlyMap<string, Issuer> {
  const times = {
    refreshMs: keyRefresh.refreshMs ?? 300_000,
    maxStaleMs: keyRefresh.maxStaleMs ?? 86_400_000,
    unknownKeyCooldownMs: keyRefresh.unknownKeyCooldownMs ?? 30_000,
    timeoutMs: keyRefresh.timeoutMs ?? 5_000,
    retryMs: keyRefresh.retryMs ?? 1_000,
  }
  return new Map(
    Object.entries(issuers).map(([name, options]) => [name, buildIssuer(name, options, { ...surroundings, times })]),
  )
}
