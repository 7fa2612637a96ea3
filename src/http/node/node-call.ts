import type { IncomingMessage } from 'node:http'
import type { HttpCall } from '../http-call.ts'

/** What a framework knows better than Node about a request. */
interface NodeCallFacts {
  /** Default: the host of the `Host` header, without the port. */
  readonly host?: string | undefined
  /** Default: the path of the request target. */
  readonly path?: string | undefined
  /** Default: the address of the socket. */
  readonly ip?: string | undefined
}

/** A request of Node's HTTP server. Host and path are read only on demand, because most applications compare only headers. */
export class NodeCall implements HttpCall {
  readonly request: IncomingMessage
  readonly #facts: NodeCallFacts

  constructor(request: IncomingMessage, facts: NodeCallFacts = {}) {
    this.request = request
    this.#facts = facts
  }

  get method(): string {
    return this.request.method ?? 'GET'
  }

  header(name: string): string | readonly string[] | undefined {
    return this.request.headers[name]
  }

  get host(): string | undefined {
    return this.#facts.host ?? this.request.headers.host?.replace(/:\d*$/, '')
  }

  get path(): string {
    return this.#facts.path ?? pathOfTarget(this.request.url ?? '/')
  }

  get ip(): string | undefined {
    return this.#facts.ip ?? this.request.socket.remoteAddress
  }

  get userAgent(): string | undefined {
    return this.request.headers['user-agent']
  }
}

/**
 * The path of a request target. A target may be absolute (`GET http://host/path`), and some routers read `//` as `/`.
 *
 * @see RFC 9112, section 3.2
 */
function pathOfTarget(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const end = path.search(/[?#]/)
  return (end === -1 ? path : path.slice(0, end)).replaceAll('\\', '/').replace(/\/{2,}/g, '/')
}
