import type { ContextFrame } from './frame.ts'
import { tenantStore } from './store.ts'

/** Address and user agent of a request's client, as the framework reports them. */
interface ClientInfo {
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

const clients = new WeakMap<ContextFrame, () => ClientInfo>()

/** Remembers the client of the current frame's request. `read` is only called when an event is written. */
export function rememberClient(read: () => ClientInfo): void {
  const frame = tenantStore.getStore()
  if (frame !== undefined) clients.set(frame, read)
}

/** The client of the running request. Undefined in jobs and outside of requests. */
export function currentClient(): ClientInfo | undefined {
  const frame = tenantStore.getStore()
  return frame === undefined ? undefined : clients.get(frame)?.()
}
