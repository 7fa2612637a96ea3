/** The logger that partywall writes to; a pino logger fits. It never gets a token, a secret or a value of a statement. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The default logger. It writes warnings and errors as JSON lines to standard error, and drops all other lines. */
export function createDefaultLogger(write: (line: string) => void = (line) => process.stderr.write(line)): Logger {
  const line = (level: string) => (fields: object, message: string) => {
    write(`${JSON.stringify({ level, time: new Date().toISOString(), name: 'partywall', ...fields, msg: message })}\n`)
  }
  const nothing = () => {}
  return { debug: nothing, info: nothing, warn: line('warn'), error: line('error') }
}

/** A logger that writes nothing. */
export const silentLogger: Logger = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} })
