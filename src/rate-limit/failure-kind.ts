import { isPartywallError } from '../errors.ts'
import type { FailureKind } from '../resilience/store-guard.ts'

/**
 * Says how the breaker treats an error of the store.
 *
 * Errors of the socket, and MOVED, ASK and TRYAGAIN, may be over at the next call. WRONGTYPE is about one key that another program wrote.
 * All other replies of Redis are final, because they last until somebody changes something: READONLY, OOM, NOAUTH, NOPERM, LOADING,
 * MISCONF, CLUSTERDOWN, or an unknown command.
 */
export function failureKindOf(error: unknown): FailureKind {
  if (!(error instanceof Error) || isPartywallError(error)) return 'passing'
  if (error instanceof RangeError || error instanceof TypeError || /\bWRONGTYPE\b/.test(error.message)) return 'ours'
  // Errors of sockets have a code. Error replies of Redis begin with a word in capitals.
  if ('code' in error || /^(MOVED|ASK|TRYAGAIN)\b/.test(error.message)) return 'passing'
  return /^[A-Z]{2,}\b/.test(error.message) ? 'final' : 'passing'
}

/** Whether a new connection may help: after a fail-over the same address leads to another server. */
export function wantsNewConnection(error: unknown): boolean {
  return error instanceof Error && /\bREADONLY\b|\bMASTERDOWN\b/.test(error.message)
}
