import {
  type ContextFrame,
  internalsOf,
  isTenantFrame,
  rememberedOn,
  type TenantFrame,
} from '../../../context/frame.ts'
import type { SealSubject } from '../../../seal/seal.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'

/** The values of the context statement for a frame. They are the same for all connections of a pool. */
export interface ContextIdentity extends SealSubject {
  /** Cache key. It differs whenever a value in the seal differs. */
  readonly key: string
  /** Tenant, user and level. When it changes on a connection, the state of the previous user is reset first. */
  readonly subject: string
  /** The schema of the tenant's own tables; '' for the shared tables. */
  readonly placement: string
  /** Value for `SET ROLE`: a level, or `none`. */
  readonly role: string
  /** Value for `search_path`. */
  readonly path: string
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
    return isTenantFrame(frame) ? tenantIdentity(frame, this.#settings) : emptyIdentity(this.#settings)
  }
}

/** The identity of an explicitly empty context, or of a crossing. */
function emptyIdentity(settings: WallSettings): ContextIdentity {
  const across = settings.serves === 'across'
  return {
    key: across ? 'across' : '',
    subject: '',
    tenantId: '',
    userId: '',
    actor: '',
    level: 'tenant_user',
    readOnly: across,
    placement: '',
    path: settings.searchPath,
    role: settings.setsRole ? 'tenant_user' : 'none',
    sealed: false,
  }
}

function isReadOnly(frame: TenantFrame, settings: WallSettings): boolean {
  const asked = internalsOf(frame).readOnly
  return asked === 'always' || (settings.readOnlyOnSafeMethods && asked === true)
}

/** Makes one object, without copies and without Object.freeze(): each request needs an identity, and freezing costs as much as the seal. */
function tenantIdentity(frame: TenantFrame, settings: WallSettings): ContextIdentity {
  const { tenantId, userId } = frame
  const actor = frame.actor?.id ?? ''
  const level = settings.levelOf(frame)
  const readOnly = isReadOnly(frame, settings)
  const placement = frame.placement?.schema ?? ''
  // The lengths of tenantId and userId precede their values, so that no two users share a subject.
  const subject = `${level}${tenantId.length}:${tenantId}${userId.length}:${userId}${actor}`
  // A placement can't contain ':', and no other part of a key begins with ':', so no two contexts share a key.
  const place = placement === '' ? '' : `:${placement}:`
  return {
    tenantId,
    userId,
    actor,
    level,
    readOnly,
    placement,
    role: settings.setsRole ? level : 'none',
    path: placement === '' ? settings.searchPath : settings.pathOf(placement),
    key: `${place}${readOnly ? 'r' : ''}${subject}`,
    subject,
    sealed: true,
  }
}
