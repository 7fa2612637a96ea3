/** A pool consults this before it works for a tenant. `src/protection` implements it. */
export interface ProtectionGate {
  /** The error if nothing may be read or written now: the database no longer keeps tenants apart, or that is not known. */
  refusal(): Error | undefined
  /** Checks again whether the protection changed. Never rejects. */
  compare(): Promise<void>
}
