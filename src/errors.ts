/** All codes of partywall's errors. A code is API: it never changes its meaning. Each has a row in docs/errors.md. */
export type PartywallErrorCode =
  | 'PARTYWALL_CONTEXT_MISSING'
  | 'PARTYWALL_TENANT_ISOLATION'
  | 'PARTYWALL_AUTHENTICATION'
  | 'PARTYWALL_TENANT_INACTIVE'
  | 'PARTYWALL_PERMISSION_DENIED'
  | 'PARTYWALL_NOT_FOUND'
  | 'PARTYWALL_INVALID_INPUT'
  | 'PARTYWALL_CONFLICT'
  | 'PARTYWALL_RATE_LIMIT_EXCEEDED'
  | 'PARTYWALL_CONCURRENCY_EXCEEDED'
  | 'PARTYWALL_DEPENDENCY_UNAVAILABLE'
  | 'PARTYWALL_CLOSED'
  | 'PARTYWALL_CONFIGURATION'
  | 'PARTYWALL_STATEMENT_REFUSED'
  | 'PARTYWALL_CONNECTION_IN_DOUBT'
  | 'PARTYWALL_TRANSACTION_ROLLED_BACK'
  | 'PARTYWALL_AUDIT_REQUIRED'
  | 'PARTYWALL_PROTECTION_LOST'
  | 'PARTYWALL_RESULT_TOO_LARGE'

/** Facts about a refusal for the team: the audit and the log may read them, an HTTP answer may not. */
export type ErrorDetails = Readonly<Record<string, unknown>>

interface PartywallErrorOptions {
  readonly cause?: unknown
  readonly details?: ErrorDetails
}

/**
 * The base of every error that partywall throws on purpose.
 *
 * Recognise errors by `code` (two copies of the package may be loaded, so `instanceof` is not enough).
 * `message` is for the team. A client may get only `publicMessage`.
 */
export abstract class PartywallError extends Error {
  abstract readonly code: PartywallErrorCode
  /** The HTTP status of this refusal. */
  abstract readonly status: number
  /** A sentence without a tenant id, a value, SQL or a name of the schema. */
  abstract readonly publicMessage: string
  readonly details: ErrorDetails

  constructor(message: string, options: PartywallErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.details = options.details ?? {}
  }
}

/** A tenant-aware call outside a tenant context. Nothing was sent. */
export class TenantContextMissingError extends PartywallError {
  readonly code = 'PARTYWALL_CONTEXT_MISSING'
  readonly status = 500
  readonly publicMessage = 'The request could not be processed.'
}

/** Code in the context of one tenant touched something of another tenant. */
export class TenantIsolationError extends PartywallError {
  readonly code = 'PARTYWALL_TENANT_ISOLATION'
  readonly status = 403
  readonly publicMessage = 'This request is not allowed.'
}

/** The token is missing, malformed, expired, forged or not meant for this service. */
export class AuthenticationError extends PartywallError {
  readonly code = 'PARTYWALL_AUTHENTICATION'
  readonly status = 401
  readonly publicMessage = 'A valid access token is required.'
}

/** The tenant is unknown or suspended, or the user is no longer its member; clients can't tell which. */
export class TenantInactiveError extends PartywallError {
  readonly code = 'PARTYWALL_TENANT_INACTIVE'
  readonly status = 403
  readonly publicMessage = 'This account has no access.'
}

/** The user's roles do not permit this inside their own tenant. */
export class PermissionDeniedError extends PartywallError {
  readonly code = 'PARTYWALL_PERMISSION_DENIED'
  readonly status = 403
  readonly publicMessage = 'You do not have permission to do this.'
}

/** This tenant has no such row: the row does not exist, its id is malformed, or it belongs to another tenant. */
export class NotFoundError extends PartywallError {
  readonly code = 'PARTYWALL_NOT_FOUND'
  readonly status = 404
  readonly publicMessage = 'Not found.'
}

/** A client's input names an unknown column, or a limit, cursor or value that can't be used. */
export class InvalidInputError extends PartywallError {
  readonly code = 'PARTYWALL_INVALID_INPUT'
  readonly status = 400
  readonly publicMessage = 'The request is not valid.'
}

/** A row of this tenant already has that value. Rows of other tenants never cause a conflict. */
export class ConflictError extends PartywallError {
  readonly code = 'PARTYWALL_CONFLICT'
  readonly status = 409
  readonly publicMessage = 'The request conflicts with what is already there.'
}

/** The tenant has used up one of its limits. */
export class RateLimitExceededError extends PartywallError {
  readonly code = 'PARTYWALL_RATE_LIMIT_EXCEEDED'
  readonly status = 429
  readonly publicMessage = 'Too many requests.'
}

/** The tenant has as many requests in flight in this process as its tier allows. */
export class ConcurrencyExceededError extends PartywallError {
  readonly code = 'PARTYWALL_CONCURRENCY_EXCEEDED'
  readonly status = 429
  readonly publicMessage = 'Too many requests at the same time.'
}

/** A dependency (directory, JWKS, Redis, database) does not answer. */
export class DependencyUnavailableError extends PartywallError {
  readonly code = 'PARTYWALL_DEPENDENCY_UNAVAILABLE'
  readonly status = 503
  readonly publicMessage = 'The service is temporarily unavailable.'
}

/** The instance is closing or closed and takes no new work. */
export class ClosedError extends PartywallError {
  readonly code = 'PARTYWALL_CLOSED'
  readonly status = 503
  readonly publicMessage = 'The service is temporarily unavailable.'
}

/** The configuration is invalid. The message names the setting and the fix. */
export class ConfigurationError extends PartywallError {
  readonly code = 'PARTYWALL_CONFIGURATION'
  readonly status = 500
  readonly publicMessage = 'The request could not be processed.'
}

/** An answer of the database is larger than `maxResultBytes`. Its connection was closed. */
export class ResultTooLargeError extends PartywallError {
  readonly code = 'PARTYWALL_RESULT_TOO_LARGE'
  readonly status = 500
  readonly publicMessage = 'The request could not be processed.'
}

/** A statement was refused before it was sent: it could leave state on a pooled connection, or have an effect after its transaction. */
export class StatementRefusedError extends PartywallError {
  readonly code = 'PARTYWALL_STATEMENT_REFUSED'
  readonly status = 500
  readonly publicMessage = 'The request could not be processed.'
}

/** The connection broke or can't be trusted any more; it was destroyed. Whether the statement took effect is unknown. */
export class ConnectionInDoubtError extends PartywallError {
  readonly code = 'PARTYWALL_CONNECTION_IN_DOUBT'
  readonly status = 503
  readonly publicMessage = 'The service is temporarily unavailable.'
}

/**
 * A transaction ended in a rollback although its function returned: the function caught the error of a failed statement. Nothing was
 * stored.
 */
export class TransactionRolledBackError extends PartywallError {
  readonly code = 'PARTYWALL_TRANSACTION_ROLLED_BACK'
  readonly status = 500
  readonly publicMessage = 'The request could not be processed.'
}

/** An action that must be audited was refused because its event could not be written. */
export class AuditRequiredError extends PartywallError {
  readonly code = 'PARTYWALL_AUDIT_REQUIRED'
  readonly status = 503
  readonly publicMessage = 'The service is temporarily unavailable.'
}

/** The database no longer keeps tenants apart, or this could not be checked. All work of tenants is refused until the check passes. */
export class ProtectionLostError extends PartywallError {
  readonly code = 'PARTYWALL_PROTECTION_LOST'
  readonly status = 503
  readonly publicMessage = 'The service is temporarily unavailable.'
}

/**
 * Whether this is an error of partywall. It looks at the code, so it also recognises errors of a second copy of the package.
 *
 * @param error anything that was thrown
 */
export function isPartywallError(error: unknown): error is PartywallError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('PARTYWALL_') &&
    'status' in error &&
    'publicMessage' in error
  )
}
