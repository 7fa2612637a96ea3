/**
 * The reason why a guard refuses.
 *
 * - `foreign-tenant`: a tenant field names another tenant;
 * - `empty-tenant`: strict mode: a tenant field is null, '', 0 or a value that can't be an id;
 * - `missing-tenant`: strict mode: a known entity has no tenant field;
 * - `no-context`: an answer names a tenant, but no tenant context is open;
 * - `too-large`, `too-deep`: the data exceeds the guard's bounds, so it was not checked completely;
 * - `unreadable`: a getter, a proxy or a `toJSON` threw, or the text can't be read.
 */
export type FindingKind =
  | 'foreign-tenant'
  | 'empty-tenant'
  | 'missing-tenant'
  | 'no-context'
  | 'too-large'
  | 'too-deep'
  | 'unreadable'

/** A finding of a guard, with its path. */
export interface GuardFinding {
  readonly kind: FindingKind
  /** Property names and positions from the outermost value inwards; entries of a Map or Set are `<entry>`. */
  readonly path: readonly string[]
  /** The other tenant's id as the data names it, cut to 128 characters. */
  readonly attemptedTenantId?: string
  readonly cause?: unknown
}

const MAX_SHOWN = 128
const MAX_STEPS_SHOWN = 20

/** A readable path: `rows.3.project.tenant_id`. */
export function showPath(path: readonly string[]): string {
  if (path.length === 0) return '(the value itself)'
  const shown = path.slice(0, MAX_STEPS_SHOWN).map((step) => step.slice(0, MAX_SHOWN))
  return `${shown.join('.')}${path.length > MAX_STEPS_SHOWN ? '.…' : ''}`
}

/** An id for events and details, cut to the longest length of an id. */
export function showId(value: unknown): string {
  return String(value).slice(0, MAX_SHOWN)
}
