import { ConfigurationError } from '../errors.ts'
import { SealMaker } from './seal.ts'
import { MIN_SECRET_LENGTH } from './seal-key.ts'

/** A root secret: text, or a function that fetches it. */
export type SecretSource = string | (() => Promise<string>)

/** Holds the seal maker of a pool; a secret that comes from a function is fetched once, before the first connection serves. */
export class SealSource {
  readonly #secret: SecretSource
  #maker: SealMaker | undefined
  #loading: Promise<void> | undefined

  constructor(secret: SecretSource) {
    this.#secret = secret
    if (typeof secret === 'string') this.#maker = new SealMaker(checkSecret(secret))
  }

  /** @throws {ConfigurationError} before {@link load} has ended */
  get maker(): SealMaker {
    if (this.#maker === undefined) throw new ConfigurationError('The seal secret has not been fetched yet.')
    return this.#maker
  }

  /** Fetches the secret where it is a function; a failure is not remembered. */
  load(): Promise<void> {
    if (this.#maker !== undefined) return Promise.resolve()
    this.#loading ??= this.#fetch().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #fetch(): Promise<void> {
    if (typeof this.#secret === 'string') return
    this.#maker = new SealMaker(checkSecret(await this.#secret()))
  }
}

function checkSecret(secret: unknown): string {
  if (typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH) return secret
  throw new ConfigurationError(
    `seal.secret must be a random text of at least ${MIN_SECRET_LENGTH} characters (try: openssl rand -base64 48).`,
  )
}
