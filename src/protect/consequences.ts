import type { Change, ProtectPlan } from './change.ts'

/**
 * Sentences about code of the application that must change before the migration runs. This code sets no tenant, so after the migration it
 * would see no row.
 *
 * @param seal whether the migration adds the seal; only partywall's pool can then set the tenant
 */
export function consequencesOf({ changes, setting }: ProtectPlan, seal: boolean): readonly string[] {
  const objectsOf = (found: readonly Change[]) => [...new Set(found.map(({ object }) => object))]
  // FORCE changes nothing for an owner that is a superuser or has BYPASSRLS.
  const forced = objectsOf(changes.filter(({ bindsOwner }) => bindsOwner))
  const opened = objectsOf(
    changes.filter(({ up }) => up.some((each) => /^ALTER TABLE .* ENABLE ROW LEVEL SECURITY;$/m.test(each))),
  )
  const value = setting.path.length === 0 ? '<tenant>' : '<claims>'
  const job = seal
    ? 'Run them in the context of a tenant through createTenantPool()'
    : `Let each transaction begin with select set_config('${setting.setting}', '${value}', true)`
  const signUp = seal ? 'or begin a context with the new tenant' : `or set ${setting.setting} to the new tenant first`
  return [
    ...(forced.length === 0
      ? []
      : [
          `FORCE ROW LEVEL SECURITY on ${someOf(forced)}: seeds and jobs that run as the owner see and write no row without a tenant. ${job}, or run them as a role with BYPASSRLS.`,
        ]),
    ...(opened.length === 0
      ? []
      : [
          `Sign-in, sign-up and webhooks run before the tenant is known, and then see and write no row of ${someOf(opened)}. Before you run the migration, let them find the tenant in the tenant directory, read with runAcrossTenants(), ${signUp} (docs/protect.md, "Before the tenant is known").`,
        ]),
  ]
}

function someOf(objects: readonly string[]): string {
  const named = objects.slice(0, 3).join(', ')
  return objects.length > 3 ? `${named} and ${objects.length - 3} more tables` : named
}
