import type { Facts } from './facts.ts'

/** Names of the settings that tell the tenant: the first, and those that are coalesced with it. */
export function contextSettings({ tenancy: { context } }: Facts): ReadonlySet<string> {
  return new Set([context.setting, ...context.alternatives.map((use) => use.setting)])
}
