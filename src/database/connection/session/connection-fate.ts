/**
 * Whether a connection may be used. A cancel request names a backend and not a statement, so that it stands beside what is on the session:
 * until the server has got it, it could hit whatever is sent next.
 *
 * `usable` ⇄ `cancelling`; both → `discarded`, from where nothing leads back.
 */
export type ConnectionFate =
  | { readonly name: 'usable' }
  | { readonly name: 'cancelling'; readonly request: CancelRequest }
  /** It finishes what runs, and is closed. */
  | { readonly name: 'discarded'; readonly reason: string; readonly request: CancelRequest | undefined }

/** True when the server has got it for certain. Never rejects. */
export type CancelRequest = Promise<boolean>

export const USABLE: ConnectionFate = Object.freeze({ name: 'usable' })

/** The first reason stays: later ones follow from it. */
export function discardedFor(fate: ConnectionFate, reason: string): ConnectionFate {
  return fate.name === 'discarded' ? fate : { name: 'discarded', reason, request: requestUnderWay(fate) }
}

export function withRequest(fate: ConnectionFate, request: CancelRequest): ConnectionFate {
  return fate.name === 'discarded' ? { ...fate, request } : { name: 'cancelling', request }
}

/** A request has ended. One that may still arrive makes the connection useless. */
export function requestEnded(fate: ConnectionFate, request: CancelRequest, delivered: boolean): ConnectionFate {
  const after = delivered ? fate : discardedFor(fate, 'a cancel request may still arrive')
  if (requestUnderWay(after) !== request) return after
  return after.name === 'discarded' ? { ...after, request: undefined } : USABLE
}

/** Nothing may be sent before it has ended. */
export function requestUnderWay(fate: ConnectionFate): CancelRequest | undefined {
  return fate.name === 'usable' ? undefined : fate.request
}
