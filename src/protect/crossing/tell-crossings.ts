import { quoteIdentifier } from '../../catalog/names.ts'
import type { ProtectPlan } from '../change.ts'
import { type CrossingCheck, MOST_COUNTED } from './crossing-check.ts'
import type { Crossing } from './read-crossings.ts'

/** A sentence about rows, and the query that lists them. */
interface Told {
  readonly table: string
  readonly sentence: string
  readonly sql: string
}

/**
 * Sentences about rows that refer to another tenant's row, and about keys that could not be checked. Keys without such rows are left out.
 */
export function tellCrossings({ changes }: ProtectPlan, crossings: readonly Crossing[]): readonly Told[] {
  // The migration stops at such rows if it validates a composite key, with the tenant, that replaces this key.
  const stops = ({ table, composite }: CrossingCheck) =>
    changes.some(
      ({ phase, object, up }) =>
        phase === 'validate' &&
        object === table &&
        up.some((statement) => statement.includes(`VALIDATE CONSTRAINT ${quoteIdentifier(composite)};`)),
    )
  return crossings.flatMap((crossing): readonly Told[] => {
    const { check } = crossing
    const what = `by ${check.columns} to a row of ${check.parent} that belongs to another tenant, or to none`
    const told = (sentence: string): readonly Told[] => [{ table: check.table, sentence, sql: check.listSql }]
    if ('unread' in crossing)
      return told(
        `whether rows of ${check.table} refer ${what} is not known: ${crossing.unread}. This query lists them:`,
      )
    if (crossing.found === 0) return []
    const number = crossing.found === MOST_COUNTED ? `${MOST_COUNTED} or more` : String(crossing.found)
    const end = stops(check)
      ? 'The migration stops at them: correct or delete them first'
      : `The migration does not stop at them, and the key ${check.constraint} stays without the tenant. Their tenants no longer see the row to which they refer`
    return told(
      `${number} ${crossing.found === 1 ? 'row' : 'rows'} of ${check.table} ${crossing.found === 1 ? 'refers' : 'refer'} ${what} (key ${check.constraint}). ${end}. This query lists them:`,
    )
  })
}

/** One line about keys without such rows. Empty if there is no such key. */
export function tellClean(crossings: readonly Crossing[]): readonly string[] {
  const clean = crossings.filter((crossing) => 'found' in crossing && crossing.found === 0).length
  if (clean === 0) return []
  return [
    `No row refers to another tenant's row, by ${clean === crossings.length ? '' : `${clean} of `}${crossings.length} foreign ${crossings.length === 1 ? 'key' : 'keys'} without the tenant, in this database`,
  ]
}
