import type { Column } from '../catalog/model.ts'
import type { SettingUse } from '../tenancy/discovery/settings.ts'
import type { Instance } from './scope.ts'

/** One side of a comparison. Two terms with the same key are the same value, except for the kind `other`. */
export type Term = {
  readonly key: string /** Why equality of this value does not tell tenants apart; undefined if it does. */
  readonly lossy: string | undefined
  /** The type in which PostgreSQL compares the value; for a domain, the base type. Undefined if not known. */
  readonly type: string | undefined
} & (
  | { readonly kind: 'column'; readonly instance: Instance; readonly column: Column }
  /** The tenant of the session: the value of the setting, or the tenant in a valid seal. */
  | { readonly kind: 'context'; readonly sealed: boolean }
  /** The session's key (of its user or session), in a schema whose setting holds a key and no tenant. */
  | { readonly kind: 'key' }
  | { readonly kind: 'setting'; readonly use: SettingUse }
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  /** One unknown value. */
  | { readonly kind: 'value' }
  /**
   * An expression that can't be read. Two such terms with the same key need not be the same value: a function may return another value at
   * each call.
   */
  | { readonly kind: 'other' }
)
