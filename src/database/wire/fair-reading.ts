import type { Duplex } from 'node:stream'

/** Answers of short statements arrive in smaller chunks; their time is not measured. PostgreSQL fills TLS records of 8 KiB. */
const LARGE_CHUNK_BYTES = 8_000
/** Time that the parsing of one connection's answers may take before other connections get their turn. */
const TIME_PER_TURN_MS = 1
/** A short statement of another tenant needs about this many turns of the event loop: to be sent, and to be answered. */
const TURNS_FOR_OTHERS = 4

/**
 * Lets other sockets and timers run between the chunks of a large answer. Node reads up to 32 chunks of a socket, 2 MiB, in a row. If
 * they hold small rows, the parsing stops the event loop for more than 100 ms, for all tenants of the process.
 */
export class FairReading {
  readonly #stream: Duplex
  #spentMs = 0
  #turns = 0

  constructor(stream: Duplex) {
    this.#stream = stream
  }

  /** @throws what `listener` throws */
  read(chunk: Buffer, listener: (chunk: Buffer) => void): void {
    if (chunk.length < LARGE_CHUNK_BYTES) {
      listener(chunk)
      return
    }
    const begun = performance.now()
    listener(chunk)
    this.#spentMs += performance.now() - begun
    if (this.#spentMs < TIME_PER_TURN_MS) return
    this.#spentMs = 0
    this.#turns = TURNS_FOR_OTHERS
    this.#stream.pause()
    setImmediate(this.#yield)
  }

  readonly #yield = (): void => {
    this.#turns--
    if (this.#turns > 0) setImmediate(this.#yield)
    else this.#stream.resume()
  }
}
