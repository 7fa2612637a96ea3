import type { EventEmitter } from 'node:events'
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
