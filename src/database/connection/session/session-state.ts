/**
 * State of a session, which serves one tenant after another. The functions below are its transitions.
 *
 * `opening` → `fresh` → `serving`; `fresh` and `serving` ⇄ `in-doubt`. Whether the connection may be used at all is {@link ConnectionFate}.
 */
export type SessionState =
  /** The connection is being set up: nothing of a tenant may be sent. */
  | { readonly name: 'opening' }
  /** No tenant has used it. Set-up statements are allowed. */
  | ({ readonly name: 'fresh' } & LastTransaction)
  /** Serves a tenant, or served it last. Its statements have left nothing on the session. */
  | ({ readonly name: 'serving' } & LastTransaction)
  /** A statement may have left something that only DISCARD ALL removes. No other tenant may use the session before that. */
  | ({ readonly name: 'in-doubt'; readonly before: 'fresh' | 'serving' } & LastTransaction)

/** The current transaction, explicit or implicit, or the last one. */
interface LastTransaction {
  /** '' for an explicitly empty context. */
  readonly tenantId: string
  /** Whether its context is in force. ROLLBACK TO SAVEPOINT may remove it. */
  readonly contextInForce: boolean
}

export const OPENING: SessionState = Object.freeze({ name: 'opening' })

/** The set-up is done. Also called after DISCARD ALL, when the state is known already. */
export function setUp(state: SessionState): SessionState {
  return state.name === 'opening' ? { name: 'fresh', tenantId: '', contextInForce: false } : state
}

/** A transaction of this tenant is about to begin. */
export function beginFor(state: SessionState, tenantId: string): SessionState {
  if (state.name === 'opening') return state
  if (state.name === 'in-doubt') return { name: 'in-doubt', before: state.before, tenantId, contextInForce: false }
  const fresh = state.name === 'fresh' && tenantId === ''
  return { name: fresh ? 'fresh' : 'serving', tenantId, contextInForce: false }
}

/** The server has set the context of the transaction, or has removed it. */
export function withContext(state: SessionState, contextInForce: boolean): SessionState {
  if (state.name === 'opening' || state.contextInForce === contextInForce) return state
  return { ...state, contextInForce }
}

/** A statement ran that may have left something on the session. */
export function withResidue(state: SessionState): SessionState {
  if (state.name === 'opening' || state.name === 'in-doubt') return state
  const { name: before, tenantId, contextInForce } = state
  return { name: 'in-doubt', before, tenantId, contextInForce }
}

/** The server has acknowledged DISCARD ALL. */
export function cleaned(state: SessionState): SessionState {
  if (state.name !== 'in-doubt') return state
  const { before: name, tenantId, contextInForce } = state
  return { name, tenantId, contextInForce }
}

/** The tenant of the transaction that runs or ran last; undefined before the first. */
export function tenantOn(state: SessionState): string | undefined {
  return state.name === 'opening' ? undefined : state.tenantId
}

export function hasContext(state: SessionState): boolean {
  return state.name !== 'opening' && state.contextInForce
}

/** No tenant has been on the session. */
export function isUntouched(state: SessionState): boolean {
  return state.name === 'in-doubt' ? state.before === 'fresh' : state.name !== 'serving'
}
