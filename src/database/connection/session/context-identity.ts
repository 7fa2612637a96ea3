import { type ContextFrame, internalsOf, isTenantFrame, rememberedOn } from '../../../context/frame.ts'
import type { SealSubject } from '../../../seal/seal.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'

/** The values of the context statement for a frame. They are the same for all connections of a pool. */
export interface ContextIdentity extends SealSubject {
  /** Cache key. It differs whenever a value in the seal differs. */
  readonly key: string
  /** Tenant, user and level. When it changes on a connection, the state of the previous user is reset first. */
  readonly subject: string
  /** Value for `SET ROLE`: a level, or `none`. */
  readonly role: string
  /** False for an explicitly empty context: its seal names no tenant, and row-level security shows nothing. */
  readonly sealed: boolean
}

/** Reads the identity of frames for one pool, and caches it on the frame. */
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
  // Parts of variable length are preceded by their length, so that two users can't have the same subject.
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
