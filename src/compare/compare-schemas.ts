import pg from 'pg'
import { loadParser } from '../sql/parser.ts'
import type { DiscoveryHints } from '../tenancy/discovery/discover.ts'
import { type AccessRecord, tenantOf } from './access.ts'
import { type Difference, differencesOf } from './differences.ts'
import { Trial } from './trial.ts'

export interface Comparison {
  readonly differences: readonly Difference[]
  /**
   * Tables that were not compared: name and reason. No row could be planted in them, or in both schemas no session of the application could
   * read a row, although the policies let some sessions read.
   */
  readonly unknown: ReadonlyMap<string, string>
}

/**
 * Reports who can see or do more, or less, in the second schema than in the first. It plants the same three users of two tenants in both
 * schemas. Each user tries every verb on every row, as every role in reach (docs/glossary.md) and as the tables' owners.
 *
 * @param beforeUrl superuser's URL of an empty database, which no other session uses; planted rows are rolled back
 * @param afterUrl superuser's URL of such a database with the second schema
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if no role of the application or no tenant column is found
 */
export async function compareSchemas(
  beforeUrl: string,
  afterUrl: string,
  hints: DiscoveryHints = {},
): Promise<Comparison> {
  await loadParser()
  const before = await recordOf(beforeUrl, hints)
  const after = await recordOf(afterUrl, hints)
  return {
    differences: [...differencesOf(before.record, after.record), ...newCrossings(before.record, after.record)],
    unknown: new Map([...blindIn(before, after), ...before.unknown, ...after.unknown]),
  }
}

const BLIND =
  'no session of the application could read a row, although the policies let some sessions read. Their context may be set in a way that partywall does not know'

/** A table that is not reached in one schema only gives differences. Without rows in both, nothing is known of it. */
function blindIn(before: SchemaRecord, after: SchemaRecord): readonly (readonly [string, string])[] {
  return before.unreached.filter((table) => after.unreached.includes(table)).map((table) => [table, BLIND])
}

interface SchemaRecord {
  readonly record: AccessRecord
  readonly unknown: Trial['unknown']
  readonly unreached: Trial['unreached']
}

async function recordOf(url: string, hints: DiscoveryHints): Promise<SchemaRecord> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const trial = await Trial.open(client, hints)
    const { record, unknown, unreached } = trial
    await trial.close()
    return { record, unknown, unreached }
  } finally {
    await client.end()
  }
}

/**
 * Differences in tables that only the second schema has. All access to them is new, so only access to rows of another tenant is reported.
 */
function newCrossings(before: AccessRecord, after: AccessRecord): readonly Difference[] {
  return [...after].flatMap(([key, { access, outcome }]): readonly Difference[] => {
    if (before.has(key) || outcome !== 'done' || !access.isTenants) return []
    const crosses = tenantOf(access.user) !== tenantOf(access.row)
    return crosses ? [{ kind: 'wider', access, before: 'nothing', after: outcome }] : []
  })
}
