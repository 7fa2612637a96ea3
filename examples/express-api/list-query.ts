import { InvalidInputError } from 'partywall'
import type { ListOptions } from 'partywall/repository'

/** Reads the options of a list from the query string. The repository checks names, values and cursor. */
export function listOptions<Row>(query: Readonly<Record<string, unknown>>): ListOptions<Row> {
  const { limit, offset, after, orderBy, ...where } = query
  const order = text(orderBy)
  // The query string is untrusted, although the type says otherwise. The repository compares each name with the table's columns.
  const terms = order?.split(',').map((term) => term.split(':')) as ListOptions<Row>['orderBy']
  return {
    limit: whole(limit),
    offset: whole(offset),
    after: text(after),
    orderBy: terms,
    where: where as ListOptions<Row>['where'],
  }
}

function text(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new InvalidInputError('A parameter was given twice.')
}

function whole(value: unknown): number | undefined {
  const digits = text(value)
  return digits === undefined ? undefined : Number(digits)
}
