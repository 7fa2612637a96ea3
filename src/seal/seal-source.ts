import { ConfigurationError } from '../errors.ts'
import { SealMaker } from './seal.ts'
import { MIN_SECRET_LENGTH } from './seal-key.ts'
import { TicketMaker } from './ticket.ts'

/** A root secret: text, or a function that fetches it. */
export type SecretSource = string | (() => Promise<string>)

/**
 * Holds the seal maker and the ticket maker of one pool. If the secret is a function, it is called once, before the first connection serves
 * a tenant.
 */
export class SealSource {
  readonly #secret: SecretSource | undefined
  #maker: SealMaker | undefined
  #ticketMaker: TicketMaker | undefined
  #loading: Promise<void> | undefined

  /** @throws {ConfigurationError} if the secret is missing or too short */
  constructor(secret: SecretSource | undefined) {
    this.#secret = secret
    if (typeof secret !== 'function') this.#use(secret)
  }

  /** @throws {ConfigurationError} before {@link load} has ended */
  get maker(): SealMaker {
    return fetched(this.#maker)
  }

  /** @throws {ConfigurationError} before {@link load} has ended */
  get ticketMaker(): TicketMaker {
    return fetched(this.#ticketMaker)
  }

  /** Fetches the secret if it is a function. After a failure the next call tries again. */
  load(): Promise<void> {
    if (this.#maker !== undefined) return Promise.resolve()
    this.#loading ??= this.#fetch().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #fetch(): Promise<void> {
    if (typeof this.#secret !== 'function') return
    this.#use(await this.#secret())
  }

  #use(secret: unknown): void {
    const checked = checkSecret(secret)
    this.#maker = new SealMaker(checked)
    this.#ticketMaker = new TicketMaker(checked)
  }
}

function fetched<T>(made: T | undefined): T {
  if (made === undefined) throw new ConfigurationError('The seal secret has not been fetched yet.')
  return made
}

function checkSecret(secret: unknown): string {
  if (typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH) return secret
  throw new ConfigurationError(
    `seal.secret must be a random text of at least ${MIN_SECRET_LENGTH} characters (try: openssl rand -base64 48).`,
  )
}
