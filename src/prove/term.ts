import type { Column } from '../catalog/model.ts'
import type { SettingUse } from '../tenancy/discovery/settings.ts'
import type { Instance } from './scope.ts'

/** One side of a comparison. Two terms with the same key are the same value, except for the kind `other`. */
export type Term = {
  readonly key: string /** Why equality on it does not tell tenants apart. */
  readonly lossy: string | undefined
  /** The type that it is compared in; for a domain, the base type. Undefined if not known. */
  readonly type: string | undefined
} & (
  | { readonly kind: 'column'; readonly instance: Instance; readonly column: Column }
  /** The tenant of the session: the setting, or what a valid seal names. */
  | { readonly kind: 'context'; readonly sealed: boolean }
  /** The session's user or session key, where that is what the setting holds. */
  | { readonly kind: 'key' }
  | { readonly kind: 'setting'; readonly use: SettingUse }
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  /** One unknown value. */
  | { readonly kind: 'value' }
  /** An expression that can't be read. Two of the same key need not be the same value: a function may return another value each time. */
  | { readonly kind: 'other' }
)
