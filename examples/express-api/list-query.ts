import { InvalidInputError } from 'partywall'
import type { ListOptions } from 'partywall/repository'

/** What a list takes from its query; the repository judges names, values and cursor. */
export function listOptions<Row>(query: Readonly<Record<string, unknown>>): ListOptions<Row> {
  const { limit, offset, after, orderBy, ...where } = query
  const order = text(orderBy)
  // A query is text from a stranger. The repository compares each name with the table's columns, whatever the compiler was told.
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
