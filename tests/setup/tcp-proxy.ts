import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What the network does to packets: nothing, hold them back, cut them into small pieces, or swallow them. */
interface NetworkFaults {
  delayMs: number
  /** Largest piece that is passed on at once; 0 leaves packets as they are. */
  splitBytes: number
  /** Nothing gets through in either direction, and nobody is told. */
  blackHole: boolean
}

/**
 * A loopback proxy in front of PostgreSQL that counts the client's protocol messages and breaks the network on purpose.
 *
 * One `Sync` (or simple `Query`) is one round trip.
 */
export class TcpProxy {
  readonly faults: NetworkFaults = { delayMs: 0, splitBytes: 0, blackHole: false }
  readonly #server: Server
  readonly #pairs = new Set<{ client: Socket; upstream: Socket }>()
  #counts = new Map<string, number>()
  /** Types of the client's messages in order, as one string of letters: `BEPBDES`. */
  sequence = ''
  /** Chunks that the client wrote, as they arrived; one per corked write on loopback. */
  writes = 0
  cancelRequests = 0
  /** New connections are closed at once; those that stand go on. */
  refuseNew = false
  /** Number of connections that were closed because of {@link refuseNew}. */
  refused = 0

  private constructor(target: { host: string; port: number }) {
    this.#server = createServer((client) => this.#join(client, target))
  }

  /** Starts in front of the server of a connection string; `url()` gives the same string through the proxy. */
  static async start(connectionString: string): Promise<TcpProxy & { url: string }> {
    const target = new URL(connectionString)
    const proxy = new TcpProxy({ host: target.hostname, port: Number(target.port) })
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    const { port } = proxy.#server.address() as AddressInfo
    const through = new URL(connectionString)
    through.hostname = '127.0.0.1'
    through.port = String(port)
    return Object.assign(proxy, { url: through.href })
  }

  /** How often the client sent a message of this type since the last {@link reset}. */
  count(type: string): number {
    return this.#counts.get(type) ?? 0
  }

  /** Sync and simple Query: how often the client had to wait for an answer. */
  get roundTrips(): number {
    return this.count('S') + this.count('Q')
  }

  reset(): void {
    this.#counts = new Map()
    this.sequence = ''
    this.writes = 0
    this.cancelRequests = 0
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Cuts all connections without a word. */
  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
  }

  async stop(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket, target: { host: string; port: number }): void {
    if (this.refuseNew) {
      this.refused++
      client.resetAndDestroy()
      return
    }
    const upstream = connect(target.port, target.host)
    const pair = { client, upstream }
    this.#pairs.add(pair)
    const reader = new FrontendReader((type) => this.#note(type))
    this.#pipe(client, upstream, (chunk) => {
      // The pool registers its tickets in the background.
      if (chunk.includes('partywall.register_tickets')) return
      this.writes++
      reader.read(chunk)
    })
    this.#pipe(upstream, client, () => {})
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pairs.delete(pair)
        client.destroy()
        upstream.destroy()
      })
    }
  }

  #note(type: string): void {
    if (type === 'cancel') this.cancelRequests++
    else {
      this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1)
      this.sequence += type
    }
  }

  #pipe(from: Socket, to: Socket, look: (chunk: Buffer) => void): void {
    let last: Promise<unknown> = Promise.resolve()
    from.on('data', (chunk) => {
      look(chunk)
      if (this.faults.blackHole) return
      const { delayMs, splitBytes } = this.faults
      const pieces = splitBytes > 0 ? split(chunk, splitBytes) : [chunk]
      if (delayMs === 0 && splitBytes === 0) {
        last = last.then(() => to.write(chunk))
        return
      }
      for (const piece of pieces) {
        last = last.then(() => sleep(delayMs)).then(() => to.write(piece))
      }
    })
    from.on('end', () => {
      last = last.then(() => to.end())
    })
  }
}

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => (ms > 0 ? setTimeout(resolve, ms) : setImmediate(resolve)))

function split(chunk: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < chunk.length; at += size) pieces.push(chunk.subarray(at, at + size))
  return pieces
}

const CANCEL_CODE = 80_877_102
const SSL_CODE = 80_877_103

/** Reads the types of frontend messages off a byte stream, whatever way it is cut. */
class FrontendReader {
  #rest: Buffer = Buffer.alloc(0)
  #started = false
  readonly #onMessage: (type: string) => void

  constructor(onMessage: (type: string) => void) {
    this.#onMessage = onMessage
  }

  read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const header = this.#started ? 5 : 8
      if (this.#rest.length < header) return
      const length = this.#started ? this.#rest.readInt32BE(1) + 1 : this.#rest.readInt32BE(0)
      if (this.#rest.length < length) return
      if (this.#started) this.#onMessage(this.#rest.toString('latin1', 0, 1))
      else {
        const code = this.#rest.readInt32BE(4)
        if (code === CANCEL_CODE) this.#onMessage('cancel')
        else if (code !== SSL_CODE) this.#started = true
      }
      this.#rest = this.#rest.subarray(length)
    }
  }
}
