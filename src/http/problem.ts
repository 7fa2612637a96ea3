import { STATUS_CODES } from 'node:http'
import { newRequestId } from '../context/request-id.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { isPartywallError, type PartywallError, type PartywallErrorCode } from '../errors.ts'
import { answerOfLimitError } from '../rate-limit/limit-refusal.ts'
import { databaseRefusal } from '../repository/database-refusal.ts'
import type { RequestWall } from './request-wall.ts'

/** A problem document, and the headers that go with it. */
export interface Problem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

/** Prefix of a problem's `type`; the code follows it. */
const PROBLEM_TYPE = 'urn:partywall:problem#'

/**
 * Types that IANA has registered and that generic clients may know. They are used instead of `urn:partywall:problem#…`.
 *
 * @see IANA "HTTP Problem Types"
 */
const IANA_TYPES: Partial<Record<PartywallErrorCode, string>> = {
  PARTYWALL_RATE_LIMIT_EXCEEDED: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
}

/**
 * The answer to an error: the public message of partywall's own errors, and only the status for all others.
 *
 * @param requestId the value of `instance`; two refusals of one kind differ only in this id
 * @see RFC 9457
 */
function problemOf(error: unknown, requestId: string): Problem {
  if (isPartywallError(error)) return answerOfLimitError(error, requestId) ?? ownProblem(error, requestId)
  const status = clientStatus(error)
  return {
    status,
    headers: {},
    body: { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, instance: requestId },
  }
}

function ownProblem(error: PartywallError, requestId: string): Problem {
  const { code, status, publicMessage } = error
  const headers: Record<string, string> = {}
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer'
  if (status === 503) headers['Retry-After'] = '1'
  return {
    status,
    headers,
    body: {
      type: IANA_TYPES[code] ?? `${PROBLEM_TYPE}${code}`,
      title: publicMessage,
      status,
      code,
      instance: requestId,
    },
  }
}

/** Body parsers and routers set a 4xx status on their errors. Other errors were not made for clients and get 500. */
function clientStatus(error: unknown): number {
  if (error === null || typeof error !== 'object') return 500
  const status: unknown = Reflect.get(error, 'status') ?? Reflect.get(error, 'statusCode')
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 500 ? status : 500
}

/** The request that failed, for the answer's `instance` and for the log. */
interface FailedRequest {
  readonly requestId: string
  readonly wall: RequestWall
  readonly context?: TenantContext | undefined
}

/**
 * The answer to an error of a handler. Errors of PostgreSQL are translated as in a repository, also if an ORM has wrapped them. Errors that
 * are not refusals (from 500 on) are logged.
 *
 * @param request undefined if the request was never opened; then nothing is logged
 */
export function failureProblem(thrown: unknown, request: FailedRequest | undefined): Problem {
  const problem = problemOf(databaseRefusal(thrown), request?.requestId ?? newRequestId())
  if (problem.status >= 500 && request !== undefined) logFailure(request, thrown)
  return {
    ...problem,
    headers: {
      ...problem.headers,
      'Cache-Control': 'no-store',
      'Content-Type': 'application/problem+json; charset=utf-8',
    },
  }
}

/** Logs an error with its request, its tenant and its cause. */
export function logFailure({ wall, requestId, context }: FailedRequest, error: unknown): void {
  wall.logger.error(
    {
      requestId,
      tenantId: context?.tenantId,
      error: error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : undefined,
      cause: error instanceof Error ? causeOf(error) : undefined,
    },
    'a request failed',
  )
}

/**
 * The cause of a refusal, for the log. Without it, the message of the refusal does not say which server was down, or which function is
 * missing.
 */
function causeOf({ cause }: Error): object | undefined {
  if (!(cause instanceof Error)) return undefined
  const code: unknown = 'code' in cause ? cause.code : undefined
  // PostgreSQL quotes values in its messages about data (classes 22 and 23).
  const quotesValues = typeof code === 'string' && /^2[23]/.test(code)
  return { name: cause.name, code, message: quotesValues ? undefined : cause.message }
}
