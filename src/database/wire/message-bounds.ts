import { ConnectionInDoubtError, type PartywallError, ResultTooLargeError } from '../../errors.ts'
import { FairReading } from './fair-reading.ts'
import type { PgConnection } from './pg-internals.ts'

/** One byte for the kind of a message, and four bytes for its length. The length includes these four bytes. */
const HEADER_BYTES = 5

/**
 * Reads the lengths of the server's messages before pg's parser does. pg collects a message of any size, and a value of 512 MB or more
 * raises an error in its parser that can't be caught and ends the process.
 */
class MessageBounds {
  readonly #maxBytes: number
  readonly #header = Buffer.alloc(HEADER_BYTES)
  #headerBytes = 0
  /** How many bytes are still missing of the message with which the last chunk ended. */
  #left = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @returns why the connection can't go on; undefined where every message in the chunk is within bounds */
  check(chunk: Buffer): PartywallError | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at)
        this.#left -= taken
        at += taken
        continue
      }
      let length: number
      if (this.#headerBytes === 0 && chunk.length - at >= HEADER_BYTES) {
        length = chunk.readUInt32BE(at + 1)
        at += HEADER_BYTES
      } else {
        const copied = chunk.copy(this.#header, this.#headerBytes, at, at + HEADER_BYTES - this.#headerBytes)
        this.#headerBytes += copied
        at += copied
        if (this.#headerBytes < HEADER_BYTES) break
        length = this.#header.readUInt32BE(1)
        this.#headerBytes = 0
      }
      if (length < 4) return new ConnectionInDoubtError('The server sent a message whose length is not valid.')
      if (length > this.#maxBytes) return tooLarge(`One message of the answer has ${length} bytes`, this.#maxBytes)
      this.#left = length - 4
    }
    return undefined
  }
}

/** The error for an answer that is larger than `maxResultBytes`. */
export function tooLarge(what: string, maxBytes: number): ResultTooLargeError {
  return new ResultTooLargeError(
    `${what}, the limit is maxResultBytes = ${maxBytes}; the connection was closed. Select fewer rows or columns, read with a cursor (pg-cursor, pg-query-stream), or raise maxResultBytes.`,
    { details: { maxResultBytes: maxBytes } },
  )
}

/**
 * Checks message sizes before pg's parser reads them, catches errors of the parser and of handlers, and lets other connections have their
 * turn while a large answer arrives.
 *
 * @param lost called once with the reason why the connection must be destroyed; nothing more is read from it
 */
export function boundMessages(connection: PgConnection, maxBytes: number, lost: (error: Error) => void): void {
  const { attachListeners } = connection
  connection.attachListeners = (stream) => {
    const bounds = new MessageBounds(maxBytes)
    const fair = new FairReading(stream)
    let over = false
    const end = (error: Error) => {
      over = true
      lost(error)
    }
    const on = (event: string, listener: (chunk: Buffer) => void) => {
      if (event !== 'data') return stream.on(event, listener)
      return stream.on('data', (chunk: Buffer) => {
        if (over) return
        const problem = bounds.check(chunk)
        if (problem !== undefined) {
          end(problem)
          return
        }
        try {
          fair.read(chunk, listener)
        } catch (error) {
          if (error instanceof ResultTooLargeError) end(error)
          else
            end(
              new ConnectionInDoubtError('An answer of the server could not be read; its connection was destroyed.', {
                cause: error,
              }),
            )
        }
      })
    }
    Reflect.apply(attachListeners, connection, [{ on }])
  }
}
