import utils from 'pg/lib/utils.js'

/** Describe of the unnamed portal. */
const DESCRIBE = Buffer.from([0x44, 0, 0, 0, 6, 0x50, 0])
/** Execute of the unnamed portal without a row limit, and Sync. */
const EXECUTE_SYNC = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4])
/** Code, length, unnamed portal, end of the name, and three counts of two bytes. */
const BIND_FIXED = 1 + 4 + 1 + 1 + 6
const NULL_LENGTH = -1
const MAX_PARAMETERS = 65_535

/**
 * Everything that runs a prepared statement, in one buffer: what goes in front, Bind, Describe, Execute and Sync. One write of one buffer costs
 * half of what five writes cost.
 *
 * @param front what the server must do before; sent as it is
 * @param describe false where the columns of the answer are known
 * @returns undefined where a value is binary: pg knows how to send that
 * @throws whatever `toPostgres()` of a value throws
 * @see PostgreSQL manual, "Message Formats": Bind (F), Describe (F), Execute (F), Sync (F)
 */
export function namedMessage(
  front: Buffer | undefined,
  name: string,
  values: readonly unknown[],
  describe: boolean,
): Buffer | undefined {
  if (values.length > MAX_PARAMETERS) return undefined
  const texts: (string | null)[] = new Array(values.length)
  const lengths: number[] = new Array(values.length)
  const nameLength = Buffer.byteLength(name)
  let bind = BIND_FIXED + nameLength
  for (let place = 0; place < values.length; place++) {
    const text = utils.prepareValue(values[place])
    if (text !== null && typeof text !== 'string') return undefined
    texts[place] = text
    const length = text === null ? NULL_LENGTH : Buffer.byteLength(text)
    lengths[place] = length
    bind += 4 + Math.max(0, length)
  }
  const before = front?.length ?? 0
  const bytes = Buffer.allocUnsafe(before + bind + (describe ? DESCRIBE.length : 0) + EXECUTE_SYNC.length)
  front?.copy(bytes, 0)
  let at = before
  bytes[at] = 0x42
  at = bytes.writeInt32BE(bind - 1, at + 1)
  bytes[at++] = 0
  at += bytes.write(name, at, nameLength, 'utf8')
  bytes[at++] = 0
  at = bytes.writeUInt16BE(0, at)
  at = bytes.writeUInt16BE(texts.length, at)
  for (let place = 0; place < texts.length; place++) {
    const text = texts[place] ?? null
    const length = lengths[place] ?? NULL_LENGTH
    at = bytes.writeInt32BE(length, at)
    if (text !== null) at += bytes.write(text, at, length, 'utf8')
  }
  at = bytes.writeUInt16BE(0, at)
  if (describe) at += DESCRIBE.copy(bytes, at)
  EXECUTE_SYNC.copy(bytes, at)
  return bytes
}
