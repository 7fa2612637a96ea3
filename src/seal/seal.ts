import * as crypto from 'node:crypto'
import { deriveSealKey } from './seal-key.ts'

/** The level of a context: the database role that a statement runs as. The seal covers the level. */
export type TenantLevel = 'tenant_user' | 'tenant_admin'

/** The values that a seal covers, except the database and the backend. */
export interface SealSubject {
  readonly tenantId: string
  readonly userId: string
  /** The actor; '' if the user acts. */
  readonly actor: string
  readonly level: TenantLevel
  readonly readOnly: boolean
  /** The schema of the tenant's own tables; '' or left out for the shared tables. */
  readonly placement?: string
}

/** Values of one connection that the seal is bound to. */
export interface SealBinding {
  readonly database: string
  /** The backend's pid. Undefined behind a transaction pooler, where the backend of a connection changes between transactions. */
  readonly backendPid: number | undefined
}

/** One ticket as the database keeps it. */
interface TicketRecord {
  /** SHA-256 of the ticket, in hex. */
  readonly hash: string
  readonly tenant: string
  /** Left out for the shared tables. */
  readonly schema?: string
}

interface RegistrationTime {
  readonly database: string
  readonly notAfter: number
  readonly now: number
}

/** Validity of a registration, in seconds. */
const REGISTRATION_SECONDS = 60
const LEVELS: Readonly<Record<TenantLevel, string>> = { tenant_user: '1', tenant_admin: '2' }
const BLOCK_BYTES = 64

/** `crypto.hash` (Node.js 20.12 and later) takes half the time of `createHmac`. */
function sha256(data: Uint8Array): Buffer {
  return crypto.hash('sha256', data, 'buffer')
}

const PAIRS = /[\ud800-\udbff][\udc00-\udfff]/g

/** Puts the length of a text before the text. PostgreSQL's `length()` counts code points, so a surrogate pair counts once. */
function lengthPrefixed(text: string): string {
  // Almost every id is ASCII, where each character is one byte.
  const pairs = Buffer.byteLength(text) === text.length ? 0 : (text.match(PAIRS)?.length ?? 0)
  return String(text.length - pairs).padStart(4, '0') + text
}

/**
 * The placement at the end of a seal, followed by the length of the placement. So the server finds the placement without reading the other
 * parts.
 */
function placed(placement: string): string {
  return placement === '' ? '' : placement + String(placement.length).padStart(2, '0')
}

/** Makes seals for one root secret. */
export class SealMaker {
  readonly keyId: string
  /** The outer pad followed by room for the inner hash. */
  readonly #outer: Buffer
  readonly #inner: Buffer

  constructor(secret: string) {
    const key = deriveSealKey(secret)
    this.keyId = key.keyId
    this.#inner = key.innerPad
    this.#outer = Buffer.concat([key.outerPad, Buffer.alloc(32)])
  }

  /**
   * Seals a context for one database and connection, until `notAfter`.
   *
   * @param notAfter seconds since the epoch
   * @param ticket the first part of the returned text, covered by the seal's MAC; '' if the database knows no tickets
   * @returns the text of `app.tenant_seal`
   */
  seal(subject: SealSubject, place: SealBinding, notAfter: number, ticket = ''): string {
    const pooled = place.backendPid === undefined
    const { placement = '' } = subject
    const body =
      `${placement === '' ? 'v1' : 'v2'}${this.keyId}${LEVELS[subject.level]}${subject.readOnly ? 'r' : 'w'}${pooled ? 't' : 'p'}` +
      `${String(notAfter).padStart(10, '0')}${lengthPrefixed(subject.tenantId)}${lengthPrefixed(subject.userId)}${lengthPrefixed(subject.actor)}${placed(placement)}`
    return this.#sealed(body, place, ticket)
  }

  /**
   * Makes a seal that says "no tenant". Some functions may only be called by the application, outside of any tenant. They require this
   * seal. Injected SQL can remove its tenant's seal, but can't make a seal that says "no tenant".
   */
  sealEmpty(place: SealBinding, notAfter: number): string {
    const bound = place.backendPid === undefined ? 't' : 'p'
    return this.#sealed(`e1--------${this.keyId}${bound}${String(notAfter).padStart(10, '0')}`, place)
  }

  #sealed(body: string, place: SealBinding, ticket = ''): string {
    const message = `${ticket}${body}|${place.backendPid === undefined ? '' : String(place.backendPid)}|${place.database}`
    return ticket + this.#mac(message) + body
  }

  /**
   * Makes the arguments of `partywall.register_tickets()`, which registers tickets.
   *
   * @param at.notAfter the last moment at which the tickets are valid, in seconds since the epoch
   * @param at.now the present, in milliseconds since the epoch
   */
  registration(
    tickets: readonly TicketRecord[],
    at: RegistrationTime,
  ): { readonly text: string; readonly mac: string } {
    const expires = Math.floor(at.now / 1000) + REGISTRATION_SECONDS
    const moments = [expires, at.notAfter].map((moment) => String(moment).padStart(10, '0')).join('')
    const text = `k1${this.keyId}${moments}${JSON.stringify(tickets)}`
    return { text, mac: this.#mac(`${text}|${at.database}`) }
  }

  #mac(message: string): string {
    const bytes = Buffer.allocUnsafe(BLOCK_BYTES + Buffer.byteLength(message))
    this.#inner.copy(bytes)
    bytes.write(message, BLOCK_BYTES)
    sha256(bytes).copy(this.#outer, BLOCK_BYTES)
    return crypto.hash('sha256', this.#outer, 'hex')
  }
}
