/** Optional fields of every event. They never contain a token, a secret, SQL or a value of a row. */
export interface EventSubject {
  readonly tenantId?: string | undefined
  readonly userId?: string | undefined
  readonly requestId?: string | undefined
}

/** All events that partywall emits. `type` discriminates them. */
export type SecurityEvent =
  | (EventSubject & {
      readonly type: 'CROSS_TENANT_ACCESS_ATTEMPT'
      /** The layer that noticed the attempt: `requireTenant`, `guard`, `repository`, `database`, `header`, … */
      readonly source: string
      readonly attemptedTenantId?: string | undefined
      readonly reason?: string | undefined
    })
  | (EventSubject & {
      readonly type: 'SENSITIVE_ACTION'
      readonly action: string
      readonly resource?: string
      readonly resourceId?: string
    })
  | (EventSubject & {
      readonly type: 'TOKEN_ATTACK'
      readonly reason: string
      /** The name of the invalid claim or header parameter. */
      readonly claim?: string | undefined
      /** A detail of the reason, such as the token's lifetime and the limit. Never the value of a claim itself. */
      readonly fact?: string | undefined
      readonly issuer?: string | undefined
      readonly clientAddress?: string | undefined
    })
  | (EventSubject & {
      readonly type: 'AUTHENTICATION_FAILED'
      readonly reason: string
      readonly claim?: string | undefined
      readonly fact?: string | undefined
      readonly clientAddress?: string | undefined
    })
  | (EventSubject & { readonly type: 'TENANT_REFUSED'; readonly reason: 'unknown' | 'suspended' | 'not-a-member' })
  /** A statement was refused because the tenant's tables are not in the schema that the context names. The directory is read again. */
  | (EventSubject & { readonly type: 'PLACEMENT_OUTDATED' })
  | (EventSubject & { readonly type: 'PERMISSION_DENIED'; readonly permission: string; readonly source: string })
  | (EventSubject & { readonly type: 'RATE_LIMITED'; readonly limits: readonly string[]; readonly tier: string })
  | (EventSubject & {
      readonly type: 'CROSS_TENANT_SCOPE_OPENED'
      readonly crossingId: string
      readonly reason: string
      readonly actor: string
    })
  | (EventSubject & { readonly type: 'CONNECTION_DESTROYED'; readonly reason: string })
  | (EventSubject & { readonly type: 'AUDIT_TAMPERED'; readonly detail: string })
  | (EventSubject & { readonly type: 'AUDIT_LAGGING'; readonly lagSeconds: number; readonly unsealed: number })
  | { readonly type: 'BREAKER_OPEN' | 'BREAKER_CLOSED'; readonly dependency: string }
  | { readonly type: 'LIMITER_MODE'; readonly mode: 'store' | 'local' | 'closed' | 'open' }
  | {
      readonly type: 'PROTECTION_CHANGED'
      /** `changed`: the database no longer passes the checks. `unwatched`: three comparisons in a row failed. */
      readonly reason: 'changed' | 'unwatched'
      /** Tables, policies, roles and so on, as PostgreSQL names them. */
      readonly objects: readonly string[]
    }
  | { readonly type: 'PROTECTION_RESTORED' }
  | { readonly type: 'LISTENER_DOWN' | 'LISTENER_UP'; readonly listener: string }

export type SecurityEventType = SecurityEvent['type']
/** The member of the union that has this `type`. Some members have several types. */
export type SecurityEventOf<T extends SecurityEventType, E = SecurityEvent> = E extends { readonly type: infer Types }
  ? T extends Types
    ? E
    : never
  : never

/** A typed emitter. All layers emit events; alerts, telemetry and the audit of refusals listen. */
export interface SecurityEvents {
  emit(event: SecurityEvent): void
  /** Listens to one type, or to all with `'*'`. @returns a function that stops listening */
  on<T extends SecurityEventType>(type: T, listener: (event: SecurityEventOf<T>) => void): () => void
  on(type: '*', listener: (event: SecurityEvent) => void): () => void
}

/**
 * Makes an emitter. If a listener throws, the caller of `emit` and the other listeners are not affected.
 *
 * @param onListenerError called with errors of listeners; default: ignored
 */
export function createSecurityEvents(onListenerError: (error: unknown) => void = () => {}): SecurityEvents {
  const listeners = new Map<string, Set<(event: SecurityEvent) => void>>()

  function deliver(type: string, event: SecurityEvent): void {
    const interested = listeners.get(type)
    if (interested === undefined) return
    for (const listener of [...interested]) {
      try {
        listener(event)
      } catch (error) {
        onListenerError(error)
      }
    }
  }

  function on(type: string, listener: (event: never) => void): () => void {
    const set = listeners.get(type) ?? new Set()
    listeners.set(type, set)
    // `deliver` passes a listener only events of its type.
    const entry = listener as (event: SecurityEvent) => void
    set.add(entry)
    return () => {
      set.delete(entry)
    }
  }

  return {
    emit(event) {
      deliver(event.type, event)
      deliver('*', event)
    },
    on,
  }
}
