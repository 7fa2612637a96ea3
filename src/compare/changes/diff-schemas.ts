import type { Catalog } from '../../catalog/catalog.ts'
import { readCatalog } from '../../catalog/read-catalog.ts'
import { schemaParts } from '../../catalog/schema-parts.ts'
import type { DiscoveryHints } from '../../tenancy/discovery/discover.ts'
import { connect } from '../../verify/connect.ts'
import { verifyDatabase } from '../../verify/verify-database.ts'
import { compareSchemas } from '../compare-schemas.ts'
import { changedParts } from './changed-parts.ts'
import { type JudgedChange, judgeChanges } from './judge-changes.ts'
import { undeclared } from './undeclared.ts'

/** A schema in an empty database that no other session uses. */
export interface DiffSide {
  /** Superuser's URL. */
  readonly url: string
  /** The root secret whose key is in the database; undefined if the schema has no seal. */
  readonly sealSecret: string | undefined
}

/**
 * Judges each change between two schemas as weaker, to review, safer or equal, with the reasons.
 *
 * It compares the catalogs, tries every verb of every user on every planted row in both (see {@link compareSchemas}), and compares what `verify`
 * finds in both, with attacks. All planted rows are rolled back.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if no role of the application or no tenant column is found
 */
export async function diffSchemas(
  before: DiffSide,
  after: DiffSide,
  hints: DiscoveryHints & { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly JudgedChange[]> {
  const { signal, ...given } = hints
  const verify = ({ url, sealSecret }: DiffSide) =>
    verifyDatabase({ ...given, databaseUrl: url, sealSecret, ownServer: true, mode: 'attack', signal })
  // Databases of one server share all roles, and another session may change a role between our two reads. So compare only the roles that a
  // schema uses.
  const roles = new URL(before.url).host === new URL(after.url).host ? 'reached' : 'all'
  const catalogs = [await catalogOf(before.url, signal), await catalogOf(after.url, signal)] as const
  return judgeChanges({
    changed: changedParts(schemaParts(catalogs[0], roles), schemaParts(catalogs[1], roles)),
    comparison: await compareSchemas(before.url, after.url, given),
    before: await verify(before),
    after: await verify(after),
  })
}

/**
 * Compares a database with the schema that its migrations make, and changes nothing there. See {@link undeclared}.
 *
 * @param actualUrl URL of the database; its role needs only the right to read the catalogs
 */
export async function diffDatabase(
  declared: DiffSide,
  actualUrl: string,
  signal?: AbortSignal,
): Promise<readonly JudgedChange[]> {
  return undeclared(await catalogOf(declared.url, signal), await catalogOf(actualUrl, signal))
}

async function catalogOf(url: string, signal: AbortSignal | undefined): Promise<Catalog> {
  const client = await connect(url, signal)
  try {
    return await readCatalog({
      query: (sql, values) => client.query(sql, values === undefined ? undefined : [...values]),
    })
  } finally {
    await client.end()
  }
}
