import type { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import { tenantStore } from '../context/store.ts'

/**
 * Runs the listeners of a request or response in the context that is current now.
 *
 * Node emits these events in the context of the socket, which has no tenant. A listener for `data` in an upload parser, or for `finish` in
 * an audit, would run without a tenant.
 */
export function bindEvents(...emitters: readonly EventEmitter[]): void {
  const frame = tenantStore.getStore()
  if (frame === undefined) return
  for (const emitter of emitters) {
    const emit = emitter.emit
    emitter.emit = function emitInContext(this: EventEmitter, ...values) {
      // Most events are emitted by code that runs in this context already.
      if (tenantStore.getStore() === frame) return Reflect.apply(emit, this, values)
      return tenantStore.run(frame, () => Reflect.apply(emit, this, values))
    }
  }
}

/**
 * Reads a stream in the context that is current now, and runs its listeners there.
 *
 * A stream calls the code that makes its data in the context of its consumer. A framework that pipes the stream after the handler has
 * returned would run that code without a tenant.
 */
export function bindReadable(stream: Readable): void {
  const frame = tenantStore.getStore()
  const read = stream._read
  if (frame === undefined) return
  bindEvents(stream)
  stream._read = function readInContext(this: Readable, size) {
    tenantStore.run(frame, () => Reflect.apply(read, this, [size]))
  }
}
