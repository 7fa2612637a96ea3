import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { Admission } from '../tenants/admission.ts'
import type { Work } from '../tenants/running-work.ts'

/** The part of a wall that frameworks' adapters need. */
export interface RequestWall {
  readonly admit: Admission['admit']
  /** Registers a request, so that suspension stops it and closing waits for it. */
  beginWork(tenantId: string): Work
  readonly events: SecurityEvents
  readonly logger: Logger
  /** A header whose value becomes the request id if it is well formed. Set this only behind a proxy that sets the header. */
  readonly requestIdHeader?: string | undefined
}

/** State that partywall keeps for a request, independent of the framework. */
export interface RequestState {
  readonly requestId: string
  readonly wall: RequestWall
  /** The work of the request once it was admitted. */
  work?: Work
}

const states = new WeakMap<object, RequestState>()

/** The state of a request, undefined before {@link rememberRequest}. */
export function requestState(request: object): RequestState | undefined {
  return states.get(request)
}

export function rememberRequest(request: object, state: RequestState): void {
  states.set(request, state)
}
