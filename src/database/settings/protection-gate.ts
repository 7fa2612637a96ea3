/** A pool consults this before it works for a tenant. `src/protection` implements it. */
export interface ProtectionGate {
  /** The error if nothing may be read or written now: the database no longer keeps tenants apart, or that is not known. */
  refusal(): Error | undefined
  /** Checks whether the protection has changed since the last check. Never rejects. */
  compare(): Promise<void>
}
