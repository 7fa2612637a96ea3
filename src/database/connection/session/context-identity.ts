import { type ContextFrame, internalsOf, isTenantFrame, rememberedOn } from '../../../context/frame.ts'
import type { SealSubject } from '../../../seal/seal.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'

/** What the context statement says about a frame; the same for all connections of a pool. */
export interface ContextIdentity extends SealSubject {
  /** Differs whenever anything that a seal binds differs. */
  readonly key: string
  /** Who uses the connection, whether they read or write: what one leaves on it is taken back before another comes. */
  readonly subject: string
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
      subject: '',
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
  // Each part of free length says how long it is, so that no two users share a subject.
  const subject = `${level}${tenantId.length}:${tenantId}${userId.length}:${userId}${actor}`
  return {
    key: readOnly ? `r${subject}` : subject,
    subject,
    tenantId,
    userId,
    actor,
    level,
    readOnly,
    role: settings.setsRole ? level : 'none',
    sealed: true,
  }
}
