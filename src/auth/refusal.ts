import { AuthenticationError } from '../errors.ts'

/** Why a token was refused. Stable names for logs and events; the client always gets the same 401. */
export const REFUSAL_REASONS = [
  'missing',
  'malformed',
  'too-large',
  'non-canonical',
  'encrypted',
  'duplicate-claim',
  'header-forbidden',
  'algorithm',
  'unknown-issuer',
  'unknown-key',
  'signature',
  'expired',
  'not-yet-valid',
  'lifetime',
  'audience',
  'token-type',
  'session-inactive',
  'claim-missing',
  'claim-invalid',
  'tenant-missing',
  'tenant-invalid',
  'tenant-ambiguous',
  'tenant-not-of-issuer',
  'revoked',
  'not-recognised',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** Reasons that honest clients and issuers never cause: the token was forged or changed on purpose. */
const ATTACKS: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'non-canonical',
  'duplicate-claim',
  'header-forbidden',
  'algorithm',
  'signature',
  'tenant-not-of-issuer',
])

/** Whether a refusal is reported as TOKEN_ATTACK and not as AUTHENTICATION_FAILED. */
export function isAttack(reason: RefusalReason): boolean {
  return ATTACKS.has(reason)
}

/** A refusal of a token. It names the reason and, at most, a claim's name; never a value. */
export class TokenRefusedError extends AuthenticationError {
  readonly reason: RefusalReason

  /** A detail of the reason, such as the lifetime that was too long. Never a value of the token. */
  readonly fact: string | undefined
  readonly claim: string | undefined

  constructor(reason: RefusalReason, claim?: string, cause?: unknown, fact?: string) {
    super(`The token was refused: ${reason}${claim === undefined ? '' : ` (${claim})`}.`, {
      cause,
      details: {
        reason,
        attack: isAttack(reason),
        ...(claim === undefined ? {} : { claim }),
        ...(fact === undefined ? {} : { fact }),
      },
    })
    // Code distinguishes errors by `code`. The name of the base class keeps logs and problem documents uniform.
    this.name = 'AuthenticationError'
    this.reason = reason
    this.fact = fact
    this.claim = claim
  }
}
