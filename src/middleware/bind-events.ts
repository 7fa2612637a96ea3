import type { EventEmitter } from 'node:events'
import { tenantStore } from '../context/store.ts'

/**
 * Runs the listeners of a request or response in the context that is current now.
 *
 * Node emits their events in the context of the socket, which has no tenant: what an upload parser does on `data`, or an audit on
 * `finish`, would run without one.
 */
export function bindEvents(...emitters: readonly EventEmitter[]): void {
  const frame = tenantStore.getStore()
  if (frame === undefined) return
  for (const emitter of emitters) {
    const emit = emitter.emit
    emitter.emit = function emitInContext(this: EventEmitter, ...values) {
      // Most are emitted by what runs in the context anyway.
      if (tenantStore.getStore() === frame) return Reflect.apply(emit, this, values)
      return tenantStore.run(frame, () => Reflect.apply(emit, this, values))
    }
  }
}
