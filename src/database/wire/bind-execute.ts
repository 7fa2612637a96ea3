/**
 * The wire form of Bind (unnamed portal, text parameters, text results) and Execute, as one buffer that can be sent again.
 *
 * @see PostgreSQL "Message Formats": Bind (F), Execute (F)
 */
export function bindExecute(statement: string, values: readonly (string | null)[]): Buffer {
  const name = Buffer.from(`${statement}\0`)
  const parameters = values.map((value) => (value === null ? undefined : Buffer.from(value)))
  const length = 4 + 1 + name.length + 2 + 2 + parameters.reduce((sum, value) => sum + 4 + (value?.length ?? 0), 0) + 2
  const bytes = Buffer.alloc(1 + length + EXECUTE.length)
  let at = bytes.write('B', 0, 'latin1')
  at = bytes.writeInt32BE(length, at)
  at = bytes.writeUInt8(0, at)
  at += name.copy(bytes, at)
  at = bytes.writeInt16BE(0, at)
  at = bytes.writeInt16BE(parameters.length, at)
  for (const value of parameters) {
    // NULL has the length -1.
    at = bytes.writeInt32BE(value?.length ?? -1, at)
    at += value?.copy(bytes, at) ?? 0
  }
  at = bytes.writeInt16BE(0, at)
  EXECUTE.copy(bytes, at)
  return bytes
}

/** Execute of the unnamed portal without a row limit. */
const EXECUTE = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0])

/** How many bytes of {@link bindExecute} are Execute. */
export const EXECUTE_LENGTH = EXECUTE.length
