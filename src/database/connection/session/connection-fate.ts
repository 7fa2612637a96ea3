/**
 * Whether a connection may be used. A cancel request names a backend and not a statement: until the server has received it, it could hit
 * the next statement.
 *
 * `usable` ⇄ `cancelling`; both → `discarded`, which is final.
 */
export type ConnectionFate =
  | { readonly name: 'usable' }
  | { readonly name: 'cancelling'; readonly request: CancelRequest }
  /** The connection finishes its running statement, and is then closed. */
  | { readonly name: 'discarded'; readonly reason: string; readonly request: CancelRequest | undefined }

/** Resolves to true if the server has certainly received the request. Never rejects. */
export type CancelRequest = Promise<boolean>

export const USABLE: ConnectionFate = Object.freeze({ name: 'usable' })

/** Discards the connection. The first reason is kept, because later reasons follow from it. */
export function discardedFor(fate: ConnectionFate, reason: string): ConnectionFate {
  return fate.name === 'discarded' ? fate : { name: 'discarded', reason, request: requestUnderWay(fate) }
}

export function withRequest(fate: ConnectionFate, request: CancelRequest): ConnectionFate {
  return fate.name === 'discarded' ? { ...fate, request } : { name: 'cancelling', request }
}

/** A cancel request has ended. If it may still arrive at the server, the connection is discarded. */
export function requestEnded(fate: ConnectionFate, request: CancelRequest, delivered: boolean): ConnectionFate {
  const after = delivered ? fate : discardedFor(fate, 'a cancel request may still arrive')
  if (requestUnderWay(after) !== request) return after
  return after.name === 'discarded' ? { ...after, request: undefined } : USABLE
}

/** The cancel request that is under way. Nothing may be sent before it has ended. */
export function requestUnderWay(fate: ConnectionFate): CancelRequest | undefined {
  return fate.name === 'usable' ? undefined : fate.request
}
