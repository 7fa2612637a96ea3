import { isPartywallError } from '../errors.ts'
import type { FailureKind } from '../resilience/store-guard.ts'

/**
 * How an error of the store counts for the breaker.
 *
 * A reply of Redis other than these is final: READONLY, OOM, NOAUTH, NOPERM, LOADING, MISCONF, CLUSTERDOWN and an unknown command
 * all stay until somebody changes something. WRONGTYPE is about one key, which somebody else wrote.
 */
export function failureKindOf(error: unknown): FailureKind {
  if (!(error instanceof Error) || isPartywallError(error)) return 'passing'
  if (error instanceof RangeError || error instanceof TypeError || /\bWRONGTYPE\b/.test(error.message)) return 'ours'
  // Errors of sockets carry a code; replies of Redis begin with a word in capitals.
  if ('code' in error || /^(MOVED|ASK|TRYAGAIN)\b/.test(error.message)) return 'passing'
  return /^[A-Z]{2,}\b/.test(error.message) ? 'final' : 'passing'
}

/** Whether a new connection may help where this one fails: after a fail-over the address leads elsewhere. */
export function wantsNewConnection(error: unknown): boolean {
  return error instanceof Error && /\bREADONLY\b|\bMASTERDOWN\b/.test(error.message)
}
