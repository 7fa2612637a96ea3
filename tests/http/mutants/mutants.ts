import type { Mutant } from '../../mutants/mutant.ts'

/** A part of src/http that is taken out. */
export interface HttpMutant extends Mutant {
  /** The adapters that use the part. `node`: those on Node's request and response. Default: all. */
  readonly only?: 'node' | 'fetch'
}

const one = (name: string, file: string, find: string, replace: string, only?: HttpMutant['only']): HttpMutant => ({
  name,
  edits: [{ file, find, replace }],
  ...(only === undefined ? {} : { only }),
})

/** Each must make the suite of every adapter that uses the part fail. */
export const mutants: readonly HttpMutant[] = [
  one('hints', 'http-request.ts', 'hints: this.#hintsOf(call),', 'hints: [],'),
  one('hints-of-path', 'tenant-hints.ts', "if (named !== undefined) hints.push({ source: 'path', value: named })", ''),
  one(
    'early-refusal',
    'http-request.ts',
    'const { token, refuseBlocked } = this.#options',
    'const { token } = this.#options; const refuseBlocked = false',
  ),
  one('address-of-client', 'http-request.ts', 'clientAddress: call.ip,', 'clientAddress: undefined,'),
  // The wall does it for the core.
  one(
    'context-left-open',
    '../partywall.ts',
    'return outsideOfTenants(() => admission.admit(request))',
    'return admission.admit(request)',
  ),
  one('listener-of-suspension', 'http-request.ts', 'for (const listener of this.#stopListeners) listener(reason)', ''),
  one('writes-after-suspension', 'http-request.ts', 'stopped: work.stopped }', 'stopped: () => undefined }'),
  one('read-only-get', 'http-request.ts', "call.method === 'GET' || call.method === 'HEAD'", "call.method === 'HEAD'"),
  one('read-only-head', 'http-request.ts', "call.method === 'GET' || call.method === 'HEAD'", "call.method === 'GET'"),
  one('client-info', 'http-request.ts', 'rememberClient(() => ({ ip: call.ip, userAgent: call.userAgent }))', ''),
  one('end-of-request', 'http-request.ts', 'this.#work?.end()', ''),
  one('permission', 'permission.ts', "const checked = requireAccess(access, 'permission')", 'return'),
  one(
    'limits',
    'limit-request.ts',
    'const refusal = refusalAnswer(decision, { requestId, upgradeUrl })',
    'const refusal = undefined as RefusalAnswer | undefined',
  ),
  one(
    'headers-of-limits',
    'limit-request.ts',
    'refusal?.headers ?? rateLimitHeaders(decision)',
    'refusal?.headers ?? {}',
  ),
  one(
    'limit-of-route',
    'limit-request.ts',
    'return { tenantId, tier, userId, cost, route }',
    'return { tenantId, tier, userId, cost }',
  ),
  one('requests-in-flight', 'limit-request.ts', 'if (entered !== undefined) entered(limiter.enter(asked))', ''),
  one('guard', 'answer-judge.ts', 'this.guard.refusalOfJson(text, this.tenant)', 'undefined'),
  one('meaning-of-sql-errors', 'problem.ts', 'problemOf(databaseRefusal(thrown),', 'problemOf(thrown,'),
  one('status-of-errors', 'problem.ts', 'const status = clientStatus(error)', 'const status = 500'),
  one(
    'log-of-errors',
    'problem.ts',
    'if (problem.status >= 500 && request !== undefined) logFailure(request, thrown)',
    '',
  ),
  one('no-store-of-problems', 'problem.ts', "'Cache-Control': 'no-store',", ''),
  one('www-authenticate', 'problem.ts', "if (status === 401) headers['WWW-Authenticate'] = 'Bearer'", ''),
  one('cache-control', 'cache-headers.ts', "CACHE_CONTROL = 'private, no-cache'", "CACHE_CONTROL = 'public'"),
  {
    name: 'vary',
    edits: [
      { file: 'node/exchange.ts', find: "response.setHeader('Vary', ", replace: 'void (' },
      { file: 'fetch/fetch-answer.ts', find: "headers.set('Vary', ", replace: 'void (' },
    ],
  },
  {
    name: 'request-id',
    edits: [
      { file: 'node/exchange.ts', find: "response.setHeader('X-Request-Id', http.requestId)", replace: '' },
      { file: 'fetch/fetch-answer.ts', find: "headers.set('X-Request-Id', http.requestId)", replace: '' },
      { file: 'fetch/fetch-answer.ts', find: "...headers, 'X-Request-Id': http.requestId", replace: '...headers' },
    ],
  },
  {
    name: 'answer-at-suspension',
    edits: [
      { file: 'node/exchange.ts', find: 'answerProblem(http, request, response, reason)', replace: '' },
      { file: 'fetch/fetch-life.ts', find: 'this.#http.onStop(this.#stop)', replace: '' },
    ],
  },
  {
    name: 'cut-at-suspension',
    edits: [
      {
        file: 'node/exchange.ts',
        find: 'if (response.headersSent) request.socket.destroy()',
        replace: 'if (response.headersSent) return',
      },
      { file: 'fetch/fetch-life.ts', find: 'this.#body?.stop(reason)', replace: '' },
      { file: 'fetch/tenant-body.ts', find: 'if (stopped !== undefined) throw stopped', replace: '' },
    ],
  },
  {
    name: 'answer-of-limits',
    edits: [
      { file: 'node/limit-exchange.ts', find: 'if (refusal === undefined) return true', replace: 'return true' },
      { file: 'fetch/handle-fetch.ts', find: 'if (refusal !== undefined) {', replace: 'if (refusal === null) {' },
    ],
  },
  one(
    'events-of-node',
    'bind-events.ts',
    'for (const emitter of emitters) {',
    'for (const emitter of [] as EventEmitter[]) {',
    'node',
  ),
  one(
    'headers-of-failed-handlers',
    'node/answer-problem.ts',
    'for (const name of CONTENT_HEADERS) response.removeHeader(name)',
    '',
    'node',
  ),
  {
    ...one('cut-of-failed-streams', 'node/exchange.ts', '  response.destroy()\n', '  response.end()\n', 'node'),
    // tenantErrorHandler() gives an error after the head to Express, which cuts the connection.
    unused: { express: 'Express cuts the answer itself' },
  },
  one('end-at-close', 'node/exchange.ts', 'onceClosed(request, response, () => http.close())', '', 'node'),
  one('close-of-socket', 'node/in-progress.ts', 'for (const settle of [...made]) settle()', '', 'node'),
  one('close-of-answer', 'node/in-progress.ts', "response.once('close', settle)", '', 'node'),
  one(
    'in-flight-until-handled',
    'node/in-progress.ts',
    'if (response.headersSent || response.writableEnded) done()\n    else',
    'done()\n    if (response.destroyed)',
    'node',
  ),
  one('end-of-abandoned', 'node/in-progress.ts', '    clearTimeout(timer)\n    done()\n', '', 'node'),
  one(
    'body-in-context',
    'fetch/tenant-body.ts',
    'this.#http.run(() => this.#reader.read())',
    'this.#reader.read()',
    'fetch',
  ),
  one(
    'end-of-source',
    'fetch/tenant-body.ts',
    'this.#http.run(() => this.#reader.cancel(reason)).catch(() => {})',
    '',
    'fetch',
  ),
  one(
    'end-of-source-in-context',
    'fetch/tenant-body.ts',
    'this.#http.run(() => this.#reader.cancel(reason))',
    'this.#reader.cancel(reason)',
    'fetch',
  ),
  one(
    'abort',
    'fetch/fetch-life.ts',
    "this.#signal.addEventListener('abort', this.#abort, { once: true })",
    '',
    'fetch',
  ),
  one(
    'in-flight-until-body-ends',
    'fetch/fetch-life.ts',
    'this.#http.close()\n    if',
    'this.#http.close()\n    return\n    if',
    'fetch',
  ),
  one(
    'in-flight-until-handled-fetch',
    'fetch/fetch-life.ts',
    'else this.#leaveAfter(this.#handled, this.#leave)',
    'else this.#leave()',
    'fetch',
  ),
]
