import {
  ClosedError,
  ConfigurationError,
  ConnectionInDoubtError,
  DependencyUnavailableError,
  InvalidInputError,
  type PartywallError,
  ProtectionLostError,
  ResultTooLargeError,
  StatementRefusedError,
  TenantContextMissingError,
  TenantInactiveError,
  TenantIsolationError,
} from '../errors.ts'

/** The errors with which a pool refuses a statement. */
const REFUSALS: Readonly<Record<string, new (message: string, options: { cause: unknown }) => PartywallError>> = {
  PARTYWALL_CONTEXT_MISSING: TenantContextMissingError,
  PARTYWALL_TENANT_ISOLATION: TenantIsolationError,
  PARTYWALL_TENANT_INACTIVE: TenantInactiveError,
  PARTYWALL_INVALID_INPUT: InvalidInputError,
  PARTYWALL_DEPENDENCY_UNAVAILABLE: DependencyUnavailableError,
  PARTYWALL_CLOSED: ClosedError,
  PARTYWALL_CONFIGURATION: ConfigurationError,
  PARTYWALL_STATEMENT_REFUSED: StatementRefusedError,
  PARTYWALL_CONNECTION_IN_DOUBT: ConnectionInDoubtError,
  PARTYWALL_PROTECTION_LOST: ProtectionLostError,
  PARTYWALL_RESULT_TOO_LARGE: ResultTooLargeError,
}

/**
 * The pool's error behind an error that only copied its code. Prisma does this: it makes its own error with the code, and drops the error
 * of the pool.
 *
 * Only the codes in `REFUSALS` are recognised. Each of them becomes an error, so a false code can change which error the caller gets, but can't
 * make a refused statement look successful.
 */
export function errorOfCopiedCode(error: object, cause: Error): PartywallError | undefined {
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code !== 'string' || !Object.hasOwn(REFUSALS, code)) return undefined
  const Refusal = REFUSALS[code]
  return Refusal === undefined
    ? undefined
    : new Refusal('The pool refused a statement; a library wrapped the refusal.', { cause })
}
