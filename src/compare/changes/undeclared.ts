import type { Catalog } from '../../catalog/catalog.ts'
import { schemaParts } from '../../catalog/schema-parts.ts'
import { type ChangedPart, changedParts } from './changed-parts.ts'
import type { JudgedChange } from './judge-changes.ts'

/** Names of parts that decide which rows a role reaches, and whose text does not depend on the owner of the table. */
const DECIDES = /^(?:policy|row-level security of|trigger) /

/**
 * Policies, triggers and switches of row-level security in which a database differs from its migrations: somebody changed the database by
 * hand, or a migration has not run there. Nothing is tried, so each difference is judged as `review`.
 *
 * Owners, privileges and constraints are not compared: on a server that is made for this run they have other names and texts.
 */
export function undeclared(declared: Catalog, actual: Catalog): readonly JudgedChange[] {
  const [wanted, found] = [declared, actual].map((catalog) => {
    const parts = [...schemaParts(catalog, 'reached').values()]
    return new Map(parts.filter(({ name }) => DECIDES.test(name)).map((part) => [part.name, part]))
  })
  const [inMigrations, inDatabase] = [tablesOf(declared), tablesOf(actual)]
  const differences = changedParts(wanted ?? new Map(), found ?? new Map())
  return [...new Set(differences.map(({ part }) => part.object))].map((object) => {
    const own = differences.filter(({ part }) => part.object === object)
    const isKnown = inMigrations.has(object) && inDatabase.has(object)
    return {
      object,
      changes: own.map(({ how, part }) => `${part.name}: ${how}`),
      judgement: 'review',
      reasons: isKnown ? own.map(reason) : [missingTable(object, inDatabase.has(object))],
    }
  })
}

function reason({ how, part }: ChangedPart): string {
  if (how === 'added') return `${part.name} is in the database, and no migration declares it`
  if (how === 'removed') return `the migrations declare ${part.name}, and the database does not have it`
  return `${part.name} differs from what the migrations declare`
}

function missingTable(object: string, isInDatabase: boolean): string {
  return isInDatabase
    ? `${object} is in the database, and no migration makes it`
    : `the migrations make ${object}, and the database does not have it: has the last migration run?`
}

function tablesOf(catalog: Catalog): ReadonlySet<string> {
  return new Set([...catalog.relations.values()].map(({ label }) => label))
}
