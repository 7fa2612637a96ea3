/** What a pool asks before it works for a tenant; `src/protection` makes one. */
export interface ProtectionGate {
  /** Why nothing may be read or written now: the database no longer keeps tenants apart, or nobody can tell. */
  refusal(): Error | undefined
  /** Looks whether the protection changed, once more from now on; never rejects. */
  compare(): Promise<void>
}
