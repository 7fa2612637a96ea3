import { ConfigurationError } from '../errors.ts'

/**
 * The error to report for a run that ended early: the reason of the abort signal or, without an abort, the error with an explanation (see
 * {@link asSentence}).
 */
export function whyBroken(error: unknown, signal: AbortSignal | undefined): unknown {
  return signal?.aborted === true ? signal.reason : asSentence(error)
}

/** Turns a lock timeout and a lost connection into a ConfigurationError with an explanation, because they are no bugs of partywall. */
function asSentence(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === '55P03' || code === '57014')
    return new ConfigurationError(
      'The catalog could not be read in time: another session holds a lock on one of the tables. Run it again when that has ended.',
      { cause: error },
    )
  const gone =
    error instanceof Error && /^Connection terminated|^Client has encountered a connection error/.test(error.message)
  if (gone || (typeof code === 'string' && /^(57P0[123]|08\d{3}|ECONNRESET|EPIPE|ETIMEDOUT)$/.test(code)))
    return new ConfigurationError(
      'The connection to the database broke. The server has rolled everything back. Run the command again.',
      { cause: error },
    )
  return error
}
