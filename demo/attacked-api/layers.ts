/** The layers of the wall that this API mounts. The demo leaves one out at a time and shows what gets through then. */
export interface Layers {
  /** Tokens are verified; without it their claims are believed. */
  readonly tokenCheck: boolean
  /** Suspended tenants are refused; without it any tenant that exists may work. */
  readonly directory: boolean
  /** Statements filter by tenant themselves; without it row-level security stands alone. */
  readonly repositoryFilter: boolean
  readonly guard: boolean
  readonly permissions: boolean
  readonly limits: boolean
}

export const ALL_LAYERS: Layers = {
  tokenCheck: true,
  directory: true,
  repositoryFilter: true,
  guard: true,
  permissions: true,
  limits: true,
}
