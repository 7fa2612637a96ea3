import { STATUS_CODES } from 'node:http'
import { isPartywallError, type PartywallError, type PartywallErrorCode } from '../errors.ts'
import { answerOfLimitError } from '../rate-limit/limit-refusal.ts'

/** A problem document, and the headers that go with it. */
export interface Problem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

/** Prefix of a problem's `type`; the code follows it. */
export const PROBLEM_TYPE = 'urn:partywall:problem#'

/**
 * Types that IANA has registered and that generic clients may know. They are used instead of `urn:partywall:problem#…`. @see IANA "HTTP
 * Problem Types"
 */
const IANA_TYPES: Partial<Record<PartywallErrorCode, string>> = {
  PARTYWALL_RATE_LIMIT_EXCEEDED: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
}

/**
 * The answer to an error: the public message of partywall's own errors, and only the status for all others.
 *
 * @param requestId the value of `instance`; two refusals of one kind differ only in it
 * @see RFC 9457
 */
export function problemOf(error: unknown, requestId: string): Problem {
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
