import type { HttpCall } from '../http-call.ts'

/** Facts about a request that the server knows and that a `Request` does not contain. */
export interface FetchFacts {
  /** The client's address. Default: unknown; limits of failed tokens then don't apply. */
  readonly ip?: string | undefined
  /** The host that the client asked for, without the port. Default: the host of the URL, which some servers replace by their own. */
  readonly host?: string | undefined
}

/** A `Request` of the fetch API. @see https://fetch.spec.whatwg.org/#requests */
export class FetchCall implements HttpCall {
  readonly request: Request
  readonly ip: string | undefined
  readonly #host: string | undefined
  #url: URL | undefined

  constructor(request: Request, facts: FetchFacts = {}) {
    this.request = request
    this.ip = facts.ip
    this.#host = facts.host
  }

  get method(): string {
    return this.request.method
  }

  header(name: string): string | undefined {
    return this.request.headers.get(name) ?? undefined
  }

  get host(): string | undefined {
    return this.#host ?? this.#parsed.hostname
  }

  get path(): string {
    return this.#parsed.pathname.replace(/\/{2,}/g, '/')
  }

  get userAgent(): string | undefined {
    return this.header('user-agent')
  }

  get #parsed(): URL {
    this.#url ??= new URL(this.request.url)
    return this.#url
  }
}
