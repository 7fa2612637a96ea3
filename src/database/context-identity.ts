import { type ContextFrame, internalsOf, isTenantFrame, rememberedOn } from '../context/frame.ts'
import type { SealSubject } from './seal.ts'
import type { WallSettings } from './wall-settings.ts'

/** What the context statement says about a frame; the same for all connections of a pool. */
export interface ContextIdentity extends SealSubject {
  /** Differs whenever anything that a seal binds differs. */
  readonly key: string
  /** What `role` is set to: a level, or `none`. */
  readonly role: string
  /** False for an explicitly empty context: its seal names no tenant, and row-level security shows nothing. */
  readonly sealed: boolean
}

/** Reads frames for one pool; what it read stays with the frame. */
export class IdentityReader {
  readonly #settings: WallSettings

  constructor(settings: WallSettings) {
    this.#settings = settings
  }

  of(frame: ContextFrame): ContextIdentity {
    return rememberedOn(frame, this)
  }

  make(frame: ContextFrame): ContextIdentity {
    return readIdentity(frame, this.#settings)
  }
}

function readIdentity(frame: ContextFrame, settings: WallSettings): ContextIdentity {
  const across = settings.serves === 'across'
  if (!isTenantFrame(frame)) {
    return {
      key: across ? 'across' : '',
      tenantId: '',
      userId: '',
      actor: '',
      level: 'tenant_user',
      readOnly: across,
      role: settings.setsRole ? 'tenant_user' : 'none',
      sealed: false,
    }
  }
  const { tenantId, userId } = frame
  const actor = frame.actor?.id ?? ''
  const level = settings.levelOf(frame)
  const asked = internalsOf(frame).readOnly
  const readOnly = asked === 'always' || (settings.readOnlyOnSafeMethods && asked === true)
  return {
    // Each part of free length says how long it is, so that no two subjects share a key.
    key: `${level}${readOnly ? 'r' : 'w'}${tenantId.length}:${tenantId}${userId.length}:${userId}${actor}`,
    tenantId,
    userId,
    actor,
    level,
    readOnly,
    role: settings.setsRole ? level : 'none',
    sealed: true,
  }
}
