import utils from 'pg/lib/utils.js'

/** Describe of the unnamed portal. */
const DESCRIBE = Buffer.from([0x44, 0, 0, 0, 6, 0x50, 0])
/** Execute of the unnamed portal without a row limit, and Sync. */
const EXECUTE_SYNC = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4])
/** Code, length, unnamed portal, end of the name, and three counts of two bytes. */
const BIND_FIXED = 1 + 4 + 1 + 1 + 6
/** Code, length, end of the name, end of the text, and the count of parameter types: none, as pg sends it. */
const PARSE_FIXED = 1 + 4 + 1 + 1 + 2
const NULL_LENGTH = -1
const TEXT = 0
const BINARY = 1

/** One statement of the extended protocol. */
interface WholeStatement {
  /** Messages that the server must process first. They are sent unchanged. */
  readonly front: Buffer
  /** '' for the unnamed statement. */
  readonly name: string
  /** The text to parse under the name; undefined if the connection has prepared it already. */
  readonly text: string | undefined
  readonly values: readonly unknown[]
  /** False if the columns of the answer are known. */
  readonly describe: boolean
}

/**
 * All messages that run a statement, in one buffer: the front, Parse, Bind, Describe, Execute and Sync. One write of one buffer costs half
 * of what five writes cost.
 *
 * @param statement.values not more than 65,535, which `refuseShape` has checked; a Buffer is sent as it is
 * @throws whatever `toPostgres()` of a value throws
 * @see PostgreSQL manual, "Message Formats": Parse (F), Bind (F), Describe (F), Execute (F), Sync (F)
 */
export function statementMessage({ front, name, text, values, describe }: WholeStatement): Buffer {
  const ready: (string | Buffer | null)[] = new Array(values.length)
  const lengths: number[] = new Array(values.length)
  const nameLength = Buffer.byteLength(name)
  let bind = BIND_FIXED + nameLength
  let formats = 0
  for (let place = 0; place < values.length; place++) {
    const value = utils.prepareValue(values[place])
    ready[place] = value
    if (Buffer.isBuffer(value)) formats = values.length
    const length = value === null ? NULL_LENGTH : Buffer.byteLength(value)
    lengths[place] = length
    bind += 4 + Math.max(0, length)
  }
  bind += 2 * formats
  const textLength = text === undefined ? 0 : Buffer.byteLength(text)
  const parse = text === undefined ? 0 : PARSE_FIXED + nameLength + textLength
  const size = front.length + parse + bind + (describe ? DESCRIBE.length : 0) + EXECUTE_SYNC.length
  const bytes = Buffer.allocUnsafe(size)
  let at = front.copy(bytes, 0)
  if (text !== undefined) {
    bytes[at] = 0x50
    at = bytes.writeInt32BE(parse - 1, at + 1)
    at = writeName(bytes, name, nameLength, at)
    at = writeName(bytes, text, textLength, at)
    at = bytes.writeUInt16BE(0, at)
  }
  bytes[at] = 0x42
  at = bytes.writeInt32BE(bind - 1, at + 1)
  bytes[at++] = 0
  at = writeName(bytes, name, nameLength, at)
  // No format codes mean that all values are text.
  at = bytes.writeUInt16BE(formats, at)
  for (let place = 0; place < formats; place++)
    at = bytes.writeUInt16BE(Buffer.isBuffer(ready[place]) ? BINARY : TEXT, at)
  at = bytes.writeUInt16BE(ready.length, at)
  for (let place = 0; place < ready.length; place++) {
    const value = ready[place] ?? null
    const length = lengths[place] ?? NULL_LENGTH
    at = bytes.writeInt32BE(length, at)
    if (typeof value === 'string') at += bytes.write(value, at, length, 'utf8')
    else if (value !== null) at += value.copy(bytes, at)
  }
  at = bytes.writeUInt16BE(0, at)
  if (describe) at += DESCRIBE.copy(bytes, at)
  EXECUTE_SYNC.copy(bytes, at)
  return bytes
}

/** Close of a prepared statement. @see PostgreSQL manual, "Message Formats": Close (F) */
export function closeStatement(name: string): Buffer {
  const bytes = Buffer.from(`C0000S${name}\0`)
  bytes.writeInt32BE(bytes.length - 1, 1)
  return bytes
}

/** A text that ends with a zero byte. */
function writeName(bytes: Buffer, text: string, length: number, at: number): number {
  const end = at + bytes.write(text, at, length, 'utf8')
  bytes[end] = 0
  return end + 1
}
