/** Where partywall writes what happened; a pino logger fits. Never handed a token, a secret or a value of a statement. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The default: warnings and errors as one JSON line each on standard error, the rest nowhere. */
export function createDefaultLogger(write: (line: string) => void = (line) => process.stderr.write(line)): Logger {
  const line = (level: string) => (fields: object, message: string) => {
    write(`${JSON.stringify({ level, time: new Date().toISOString(), name: 'partywall', ...fields, msg: message })}\n`)
  }
  const nothing = () => {}
  return { debug: nothing, info: nothing, warn: line('warn'), error: line('error') }
}

/** Writes nothing; for tests and for those who want silence. */
export const silentLogger: Logger = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} })
