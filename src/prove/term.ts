import type { Column } from '../catalog/model.ts'
import type { SettingUse } from '../tenancy/discovery/settings.ts'
import type { Instance } from './scope.ts'

/** What one side of a comparison is. Equal keys are the same value. */
export type Term = {
  readonly key: string /** Why equality on it does not tell tenants apart. */
  readonly lossy: string | undefined
  /** The type that it is compared in, below domains; undefined: not known. */
  readonly type: string | undefined
} & (
  | { readonly kind: 'column'; readonly instance: Instance; readonly column: Column }
  /** The tenant of the session: the setting, or what a valid seal names. */
  | { readonly kind: 'context'; readonly sealed: boolean }
  /** The session's user or session key, where that is what the setting holds. */
  | { readonly kind: 'key' }
  | { readonly kind: 'setting'; readonly use: SettingUse }
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  /** One value of which nothing is known. */
  | { readonly kind: 'value' }
  /** Two of the same key need not be the same value: a function may answer something else each time. */
  | { readonly kind: 'other' }
)
