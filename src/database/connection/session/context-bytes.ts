import { randomInt } from 'node:crypto'
import type { CurrentTicket } from '../../../seal/ticket-book.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'
import { bindExecute, EXECUTE_LENGTH } from '../../wire/bind-execute.ts'
import type { ContextIdentity } from './context-identity.ts'
import { type ContextForm, contextStatementName } from './context-statement.ts'
import type { FrontBytes } from './session-fronts.ts'
import { type TimeOuts, timeOutParameters } from './transaction-time-outs.ts'

/** Validity of a new seal, and the remaining validity at which it is renewed, in seconds. */
const SEAL_SECONDS = 60
const RENEW_BEFORE_SECONDS = 30
const MAX_REMEMBERED = 512
/** Maximum number of identities that are remembered as seen once. */
const MAX_SEEN = 512

interface Remembered {
  readonly bytes: Buffer
  /** Milliseconds since the epoch. */
  readonly renewAt: number
}

/** What a connection's seals depend on. */
interface ContextPlace {
  readonly database: string
  readonly backendPid: number | undefined
  /** Whether the database supports tickets. */
  readonly takesTickets: boolean
}

/**
 * The bytes that set the context on one connection. They are cached per identity for some seconds, instead of being made for each query.
 * Caching begins with the second query of an identity: with very many tenants most identities come once, and caching their bytes would only
 * cost memory and garbage collection.
 *
 * The cache belongs to one backend, because the seals contain its pid.
 */
export class ContextBytes {
  readonly #settings: WallSettings
  readonly #database: string
  readonly #backendPid: number | undefined
  readonly #takesTickets: boolean
  /** Cached bytes, by the clean-up in front, then by form, then by identity. */
  readonly #remembered = new Map<FrontBytes | undefined, Map<ContextForm, Map<string, Remembered>>>()
  #count = 0
  /** Keys of identities that came once. */
  readonly #seen = new Set<string>()

  constructor(settings: WallSettings, place: ContextPlace) {
    this.#settings = settings
    this.#database = place.database
    this.#takesTickets = place.takesTickets
    this.#backendPid = settings.pooler ? undefined : place.backendPid
  }

  /**
   * Bind and Execute of one form of the context statement for one identity.
   *
   * @param more the clean-up that goes in front, in the same write, and the application's own time-outs for a `timed` form
   */
  of(
    identity: ContextIdentity,
    form: ContextForm,
    more: { front?: FrontBytes | undefined; own?: TimeOuts | undefined } = {},
  ): Buffer {
    const { front, own } = more
    // The application's own timeouts can have any value, so these bytes are not cached.
    if (own !== undefined) return this.#make(identity, form, Date.now(), own).bytes
    const known = this.#place(front, form)
    const now = Date.now()
    const before = known.get(identity.key)
    if (before !== undefined && now < before.renewAt) return seeded(before.bytes, form)
    const made = this.#make(identity, form, now)
    const bytes = front === undefined ? made.bytes : Buffer.concat([front.bytes, made.bytes])
    if (before !== undefined || this.#cameBefore(identity)) this.#remember(known, identity, { ...made, bytes })
    // These bytes are new, so their seed is new too, and seeded() is not needed.
    return bytes
  }

  #remember(known: Map<string, Remembered>, { key }: ContextIdentity, { bytes, renewAt }: Remembered): void {
    // Copy to separate memory: a slice of Node's buffer pool would keep eight kilobytes alive.
    const own = Buffer.allocUnsafeSlow(bytes.length)
    bytes.copy(own)
    if (!known.has(key) && ++this.#count > MAX_REMEMBERED) {
      this.#remembered.clear()
      this.#count = 0
      return
    }
    known.set(key, { bytes: own, renewAt })
  }

  #cameBefore({ key }: ContextIdentity): boolean {
    if (this.#seen.has(key)) return true
    if (this.#seen.size >= MAX_SEEN) this.#seen.clear()
    this.#seen.add(key)
    return false
  }

  #place(front: FrontBytes | undefined, form: ContextForm): Map<string, Remembered> {
    let forms = this.#remembered.get(front)
    if (forms === undefined) {
      forms = new Map()
      this.#remembered.set(front, forms)
    }
    let place = forms.get(form)
    if (place === undefined) {
      place = new Map()
      forms.set(form, place)
    }
    return place
  }

  #make(identity: ContextIdentity, form: ContextForm, now: number, own?: TimeOuts): Remembered {
    const last = [
      ...(form.includes('placed') ? [identity.path] : []),
      ...(form.startsWith('timed') ? timeOutParameters(own, this.#settings) : seedOf(form)),
    ]
    const statement = contextStatementName(form, this.#settings)
    const { seal: source } = this.#settings
    // Crossings have no seal: their login role has its own privileges.
    if (source === undefined || (!identity.sealed && this.#settings.serves === 'across')) {
      return {
        bytes: bindExecute(statement, [identity.tenantId, '', identity.role, ...last]),
        renewAt: Number.POSITIVE_INFINITY,
      }
    }
    const notAfter = Math.floor(now / 1000) + SEAL_SECONDS
    const place = { database: this.#database, backendPid: this.#backendPid }
    const { maker } = source
    const ticket = this.#ticketFor(identity, now)
    const seal = identity.sealed
      ? maker.seal(identity, place, notAfter, ticket?.ticket)
      : maker.sealEmpty(place, notAfter)
    return {
      bytes: bindExecute(statement, [identity.tenantId, seal, identity.role, ...last]),
      renewAt: Math.min(
        now + (SEAL_SECONDS - RENEW_BEFORE_SECONDS) * 1000,
        ticket?.renewAt ?? Number.POSITIVE_INFINITY,
      ),
    }
  }

  #ticketFor({ sealed, tenantId, readOnly, placement }: ContextIdentity, now: number): CurrentTicket | undefined {
    if (!sealed || !this.#takesTickets) return undefined
    return this.#settings.tickets?.current({ database: this.#database, tenantId, readOnly, placement }, now)
  }
}

/** Length of the seed, which is the last parameter. It is fixed, so that the seed can be overwritten in place. */
const SEED_LENGTH = 16
const BEHIND_SEED = 2 + EXECUTE_LENGTH

function seedOf(form: ContextForm): readonly string[] {
  return form.includes('switch') ? [`0.${randomDigits()}`] : []
}

function randomDigits(): string {
  return String(randomInt(10 ** (SEED_LENGTH - 2))).padStart(SEED_LENGTH - 2, '0')
}

/**
 * Writes a new seed into cached bytes of a `switch` form. If an earlier statement's bytes have not left the socket's buffer yet, that
 * statement gets the new seed as well, which is harmless.
 */
function seeded(bytes: Buffer, form: ContextForm): Buffer {
  if (!form.includes('switch')) return bytes
  bytes.write(randomDigits(), bytes.length - BEHIND_SEED - SEED_LENGTH + 2, 'latin1')
  return bytes
}
