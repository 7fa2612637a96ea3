/**
 * The wire form of Bind (unnamed portal, text parameters, text results) and Execute, as one buffer that can be sent again.
 *
 * @see PostgreSQL "Message Formats": Bind (F), Execute (F)
 */
export function bindExecute(statement: string, values: readonly (string | null)[]): Buffer {
  const lengths = values.map((value) => (value === null ? -1 : Buffer.byteLength(value)))
  const nameLength = Buffer.byteLength(statement) + 1
  const length = 4 + 1 + nameLength + 2 + 2 + lengths.reduce((sum, bytes) => sum + 4 + Math.max(bytes, 0), 0) + 2
  // Each byte is written below, so the memory need not be cleared first.
  const bytes = Buffer.allocUnsafe(1 + length + EXECUTE.length)
  let at = bytes.writeUInt8(BIND, 0)
  at = bytes.writeInt32BE(length, at)
  at = bytes.writeUInt8(0, at)
  at += bytes.write(statement, at)
  at = bytes.writeUInt8(0, at)
  at = bytes.writeInt16BE(0, at)
  at = bytes.writeInt16BE(values.length, at)
  values.forEach((value, index) => {
    // NULL has the length -1.
    at = bytes.writeInt32BE(lengths[index] ?? -1, at)
    if (value !== null) at += bytes.write(value, at)
  })
  at = bytes.writeInt16BE(0, at)
  EXECUTE.copy(bytes, at)
  return bytes
}

const BIND = 'B'.charCodeAt(0)

/** Execute of the unnamed portal without a row limit. */
const EXECUTE = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0])

/** How many bytes of {@link bindExecute} are Execute. */
export const EXECUTE_LENGTH = EXECUTE.length
