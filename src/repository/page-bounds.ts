import { InvalidInputError } from '../errors.ts'

const DEFAULT_LIMIT = 100
/** Maximum number of rows that one statement reads or inserts. */
export const MAX_LIMIT = 1_000

/** Checks `limit`, the number of rows of a list. @throws {InvalidInputError} `PARTYWALL_INVALID_INPUT` */
export function readLimit(limit: unknown): number {
  if (limit === undefined) return DEFAULT_LIMIT
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new InvalidInputError(`limit must be a whole number from 1 to ${MAX_LIMIT}.`)
}

/** Checks `offset`, the number of rows to skip. @throws {InvalidInputError} `PARTYWALL_INVALID_INPUT` */
export function readOffset(offset: unknown): number {
  if (offset === undefined) return 0
  if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0) return offset
  throw new InvalidInputError('offset must be a whole number, 0 or more.')
}
