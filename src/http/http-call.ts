import { newRequestId } from '../context/request-id.ts'
import type { RequestWall } from './request-wall.ts'
import type { AgreementOptions, HintSource } from './tenant-hints.ts'

/** A request in a form that does not depend on the framework. `header` takes names in lower case. */
export interface HttpCall extends HintSource {
  readonly method: string
  /** The client's address, as the framework reports it. The framework's setting for proxies applies. */
  readonly ip: string | undefined
  readonly userAgent: string | undefined
}

/** How a request is opened. */
export interface OpenOptions<Call extends HttpCall = HttpCall> {
  /** Other places of a request that may name a tenant. They must match the token. Default: header `x-tenant-id`. */
  readonly agreement?: AgreementOptions | undefined
  /** Takes the token out of a request; default: `Authorization: Bearer`. */
  readonly token?: ((call: Call) => string | undefined) | undefined
  /**
   * True: a request that the limits are known to refuse is refused before directory and membership are asked. Default false, so that
   * routes without limits stay reachable.
   */
  readonly refuseBlocked?: boolean | undefined
}

const WELL_FORMED_ID = /^[\w.-]{1,64}$/

/** The id of a request: the value of the header that the wall trusts if the value is well formed, otherwise a new id. */
export function requestIdOf(wall: RequestWall, call: Pick<HttpCall, 'header'>): string {
  const { requestIdHeader } = wall
  const given = requestIdHeader === undefined ? undefined : call.header(requestIdHeader.toLowerCase())
  return typeof given === 'string' && WELL_FORMED_ID.test(given) ? given : newRequestId()
}
