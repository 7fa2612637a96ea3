import type { Facts } from './facts.ts'

/** The names of the settings that name the tenant: the main setting, and settings that policies combine with it in COALESCE. */
export function contextSettings({ tenancy: { context } }: Facts): ReadonlySet<string> {
  return new Set([context.setting, ...context.alternatives.map((use) => use.setting)])
}
