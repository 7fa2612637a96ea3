/** The layers of partywall in this API. The demo leaves out one layer and shows which attacks then succeed. */
export interface Layers {
  /** Tokens are verified. Without this layer, claims are used without verification. */
  readonly tokenCheck: boolean
  /** Suspended tenants are refused. Without this layer, every existing tenant may work. */
  readonly directory: boolean
  /** Statements filter by tenant themselves. Without this layer, only row-level security separates tenants. */
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
