import { type Access, type AccessRecord, type Outcome, tenantOf } from './access.ts'

/**
 * One difference between before and after.
 *
 * - `wider`: a statement that had no effect has an effect now, so a user sees or changes more;
 * - `narrower`: a row of the user's own tenant, or of no tenant, can't be reached any more;
 * - `error`: a statement on a row of the user's own tenant, or of no tenant, ran before and ends in an error now;
 * - `closed`: a row of another tenant can't be reached any more, which is the purpose of isolation.
 */
export interface Difference {
  readonly kind: 'wider' | 'narrower' | 'error' | 'closed'
  readonly access: Access
  /** The column, if only the privilege on this column changed. */
  readonly column?: string
  readonly before: Outcome
  readonly after: Outcome
}

export function differencesOf(before: AccessRecord, after: AccessRecord): readonly Difference[] {
  const differences: Difference[] = []
  for (const [key, { access, outcome }] of before) {
    // The second run tries only tables that the change concerns. An access that it did not try keeps its outcome.
    const now = after.get(key)?.outcome ?? outcome
    const kind = kindOf(access, outcome, now)
    if (kind !== undefined) differences.push({ kind, access, before: outcome, after: now })
  }
  return differences
}

function kindOf(access: Access, before: Outcome, after: Outcome): Difference['kind'] | undefined {
  if (before === after) return undefined
  if (after === 'done') return 'wider'
  const tenant = tenantOf(access.user)
  const isOwn = !access.isTenants || (tenant !== undefined && tenant === tenantOf(access.row))
  if (before === 'done') return isOwn ? (after.startsWith('error') ? 'error' : 'narrower') : 'closed'
  // Before the change, the statement reached no row but ran without an error. On rows of the user's own tenant it must not fail after the
  // change.
  const ranBefore = before === 'nothing'
  const failsNow = after === 'refused' || after.startsWith('error')
  return isOwn && ranBefore && failsNow ? 'error' : undefined
}

/** Whether the change only removes access to rows of other tenants. */
export function isHarmless(differences: readonly Difference[]): boolean {
  return differences.every(({ kind }) => kind === 'closed')
}

/** One sentence for each kind of difference of a role, verb and object. */
export function tell(differences: readonly Difference[]): readonly string[] {
  const groups = new Map<string, Difference[]>()
  for (const difference of differences) {
    const { role, object, verb } = difference.access
    const key = JSON.stringify([difference.kind, role, object, verb])
    groups.set(key, [...(groups.get(key) ?? []), difference])
  }
  return [...groups.values()].map((group) => {
    const [first] = group
    if (first === undefined) return ''
    const { role, object, verb } = first.access
    const whom = [...new Set(group.map(({ access }) => `${access.user} on the row of ${access.row}`))]
    const columns = group.flatMap(({ column }) => column ?? [])
    const named = columns.length === 0 ? '' : ` (${columns.join(', ')})`
    return `${WORDS[first.kind]}: ${verb.toUpperCase()}${named} on ${object} as ${role}: ${whom.join('; ')} (before: ${first.before}, after: ${first.after})`
  })
}

const WORDS: Readonly<Record<Difference['kind'], string>> = {
  wider: 'can do more',
  narrower: 'can do less inside its own tenant',
  error: 'meets an error',
  closed: 'can no longer reach another tenant',
}
