import type { Facts } from './facts.ts'

/** Names of the settings that name the tenant: the main one, and those that policies combine with it in COALESCE. */
export function contextSettings({ tenancy: { context } }: Facts): ReadonlySet<string> {
  return new Set([context.setting, ...context.alternatives.map((use) => use.setting)])
}
