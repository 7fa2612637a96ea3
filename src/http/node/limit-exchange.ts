import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RefusalAnswer } from '../../rate-limit/answer.ts'
import type { RateLimiter } from '../../rate-limit/rate-limiter.ts'
import { type LimitedRequest, type LimitOptions, limitRequest } from '../limit-request.ts'
import { onceDone } from './in-progress.ts'

// If the same limiter is mounted twice, the request counts once.
const counted = new WeakMap<RateLimiter, WeakSet<ServerResponse>>()

/** Counts a request of Node's HTTP server. It is in flight until its answer was sent to the last byte. See {@link limitRequest}. */
export function limitExchange(
  limiter: RateLimiter,
  options: LimitOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<LimitedRequest> {
  const responses = counted.get(limiter) ?? new WeakSet<ServerResponse>()
  counted.set(limiter, responses)
  const entered = (leave: () => void) => {
    responses.add(response)
    onceDone(request, response, leave)
  }
  return limitRequest(limiter, options, responses.has(response) ? undefined : entered)
}

/** Sets the headers of a decision. Sends the answer of a refusal, and returns whether the request may pass. */
export function answerLimit({ headers, refusal }: LimitedRequest, response: ServerResponse): boolean {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (refusal === undefined) return true
  sendRefusal(refusal, response)
  return false
}

function sendRefusal({ status, body }: RefusalAnswer, response: ServerResponse): void {
  response.statusCode = status
  response.end(JSON.stringify(body))
}
