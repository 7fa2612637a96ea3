import type { ContextFrame } from './frame.ts'
import { tenantStore } from './store.ts'

/** Where a request came from, as the framework says. */
interface ClientInfo {
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

const clients = new WeakMap<ContextFrame, () => ClientInfo>()

/** Keeps where the request of the current frame came from; read only where an event is written. */
export function rememberClient(read: () => ClientInfo): void {
  const frame = tenantStore.getStore()
  if (frame !== undefined) clients.set(frame, read)
}

/** Where the running request came from; undefined in jobs and outside requests. */
export function currentClient(): ClientInfo | undefined {
  const frame = tenantStore.getStore()
  return frame === undefined ? undefined : clients.get(frame)?.()
}
