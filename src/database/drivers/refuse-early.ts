import type pg from 'pg'
import { bindToCaller } from '../../context/bind-to-caller.ts'
import { tenantStore } from '../../context/store.ts'
import { refuseFrame } from '../connection/session/refusals.ts'
import type { WallSettings } from '../settings/wall-settings.ts'

/**
 * Makes a library's own pool refuse a checkout that has no tenant context, or whose work must stop.
 *
 * If BEGIN is refused, MikroORM does not give the connection back. So work that would be refused must not take a connection.
 */
export function refuseEarly(pool: pg.Pool, settings: WallSettings): void {
  const connect = pool.connect
  const early = (...values: unknown[]): unknown => {
    const refusal = refuseFrame(tenantStore.getStore(), settings)
    const [callback] = values
    if (refusal === undefined)
      return Reflect.apply(connect, pool, typeof callback === 'function' ? [bindToCaller(callback as () => void)] : [])
    if (typeof callback !== 'function') return Promise.reject(refusal)
    process.nextTick(callback, refusal, undefined, () => {})
    return undefined
  }
  Object.defineProperty(pool, 'connect', { value: early, configurable: true, writable: true })
}
