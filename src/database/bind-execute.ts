/**
 * The wire form of Bind (unnamed portal, text parameters, text results) and Execute, as one buffer that can be sent again.
 *
 * @see PostgreSQL "Message Formats": Bind (F), Execute (F)
 */
export function bindExecute(statement: string, values: readonly string[]): Buffer {
  const name = Buffer.from(`${statement}\0`)
  const parameters = values.map((value) => Buffer.from(value))
  const length = 4 + 1 + name.length + 2 + 2 + parameters.reduce((sum, value) => sum + 4 + value.length, 0) + 2
  const bytes = Buffer.alloc(1 + length + EXECUTE.length)
  let at = bytes.write('B', 0, 'latin1')
  at = bytes.writeInt32BE(length, at)
  at = bytes.writeUInt8(0, at)
  at += name.copy(bytes, at)
  at = bytes.writeInt16BE(0, at)
  at = bytes.writeInt16BE(parameters.length, at)
  for (const value of parameters) {
    at = bytes.writeInt32BE(value.length, at)
    at += value.copy(bytes, at)
  }
  at = bytes.writeInt16BE(0, at)
  EXECUTE.copy(bytes, at)
  return bytes
}

/** Execute of the unnamed portal without a row limit. */
const EXECUTE = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0])

/** How many bytes of {@link bindExecute} are Execute. */
export const EXECUTE_LENGTH = EXECUTE.length
