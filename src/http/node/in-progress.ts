import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How long a request counts as in progress after its client disconnected, if its handler has not answered. */
const ABANDONED_MS = 30_000

const waiting = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls `done` once, when an answer was sent or can no longer be sent.
 *
 * The response's own events are not enough: if a client pipelines requests and the socket breaks, only the first response gets a `close`.
 */
export function onceClosed(request: IncomingMessage, response: ServerResponse, done: () => void): void {
  const { socket } = request
  if (response.destroyed || socket.destroyed) {
    done()
    return
  }
  const onSocket = listenersOf(socket)
  const settle = () => {
    response.removeListener('close', settle)
    onSocket.delete(settle)
    done()
  }
  response.once('close', settle)
  onSocket.add(settle)
}

/**
 * The functions to call when the socket closes. Node gets one listener per socket, because a client may pipeline more requests than Node
 * allows listeners.
 */
function listenersOf(socket: Socket): Set<() => void> {
  const known = waiting.get(socket)
  if (known !== undefined) return known
  const made = new Set<() => void>()
  waiting.set(socket, made)
  socket.once('close', () => {
    for (const settle of [...made]) settle()
  })
  return made
}

/**
 * Calls `done` once, when a request no longer uses resources: its answer was sent, to the last byte of a stream.
 *
 * If the client disconnects before the answer has begun, the handler goes on. The request then counts until the handler ends its answer,
 * for at most 30 seconds. Without this rule, a client that disconnects at once could have any number of requests in progress.
 */
export function onceDone(request: IncomingMessage, response: ServerResponse, done: () => void): void {
  onceClosed(request, response, () => {
    if (response.headersSent || response.writableEnded) done()
    else onceEnded(response, done)
  })
}

/** Calls `done` when the handler calls `end()`. Node emits no event for `end()` on a response whose socket is closed. */
function onceEnded(response: ServerResponse, done: () => void): void {
  const { end } = response
  const timer = setTimeout(done, ABANDONED_MS).unref()
  const ended = (...given: unknown[]): ServerResponse => {
    clearTimeout(timer)
    done()
    return Reflect.apply(end, response, given)
  }
  response.end = ended
}
