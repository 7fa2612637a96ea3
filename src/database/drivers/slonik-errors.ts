type ErrorClass = new (...values: never[]) => Error

/** Slonik's error classes, by their names; the module `slonik` exports them. */
export type SlonikErrors = Readonly<Record<string, unknown>>

/** The class of Slonik for each code of PostgreSQL. */
const CLASSES: Readonly<Record<string, string>> = {
  '22P02': 'InvalidInputError',
  '23502': 'NotNullIntegrityConstraintViolationError',
  '23503': 'ForeignKeyIntegrityConstraintViolationError',
  '23505': 'UniqueIntegrityConstraintViolationError',
  '23514': 'CheckIntegrityConstraintViolationError',
  '57014': 'StatementTimeoutError',
  '57P01': 'BackendTerminatedError',
}

/**
 * Returns an error of Slonik's own class, with the database's error as its `cause`. If that class is missing, returns the database's error.
 */
export function slonikError(error: unknown, classes: SlonikErrors | undefined, query: object): Error {
  const given = error instanceof Error ? error : new Error(String(error))
  const code: unknown = Reflect.get(given, 'code')
  const name = typeof code === 'string' ? CLASSES[code] : undefined
  const wanted = name === undefined ? undefined : classes?.[name]
  if (typeof wanted !== 'function') return given
  // The class of invalid input takes a message; the others take the error.
  const made: unknown = Reflect.construct(wanted as ErrorClass, [code === '22P02' ? given.message : given, query])
  if (!(made instanceof Error)) return given
  if (made.cause === undefined)
    Object.defineProperty(made, 'cause', { value: given, configurable: true, writable: true })
  return made
}
