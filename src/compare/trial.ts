import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { roleGraph } from '../catalog/role-graph.ts'
import { type AttackSession, attackSession } from '../verify/attack/session.ts'
import { buildFacts } from '../verify/build-facts.ts'
import { type DiscoveryHints, discover } from '../verify/discovery/discover.ts'
import type { ActingRole, Facts } from '../verify/facts.ts'
import { makeProofs } from '../verify/prove/proofs.ts'
import { createSqlReader } from '../verify/sql/reader.ts'
import { type Difference, differencesOf } from './differences.ts'
import { type Population, populate } from './population.ts'
import { recordAccess } from './record.ts'

/** What came of applying statements to a copy of a schema. */
export interface TrialResult {
  /** The server's words where the statements could not be applied. */
  readonly refused: string | undefined
  readonly differences: readonly Difference[]
  /** Tables of which nothing is known, since no row could be planted: name and reason. */
  readonly unknown: ReadonlyMap<string, string>
}

/**
 * Applies statements to a throw-away database and tells who can see or do more, and who less. Three users of two tenants are
 * planted first; each role in reach and each owner tries every verb on every row, before and after. All of it is one
 * transaction that is rolled back.
 *
 * @param client a superuser's connection, outside of any transaction; loadParser() was awaited
 * @param statements may be several in one text; none that refuses a transaction
 */
export async function tryStatements(
  client: pg.Client,
  hints: DiscoveryHints,
  statements: string,
): Promise<TrialResult> {
  const session = attackSession(client)
  await client.query('begin')
  try {
    await client.query("set local statement_timeout = '30s'; set local lock_timeout = '5s'")
    const before = await factsOf(session, hints)
    const population = await populate(before, session, undefined)
    const tenants = rolesOf(before)
    // Whose context it will be is known only once the statements ran: each session speaks for both, so both are recorded late.
    const applied = await session.probe(async () => {
      await session.run(statements)
      return factsOf(session, hints)
    })
    if (!applied.ok) return { refused: applied.error.message, differences: [], unknown: new Map() }
    const spoken = [before, applied.value]
    const input = { facts: before, population, session, roles: tenants, spoken }
    const first = await recordAccess(input)
    await session.run(statements)
    const second = await recordAccess(input)
    return { refused: undefined, differences: differencesOf(first, second), unknown: unknownOf(before, population) }
  } finally {
    await client.query('rollback')
  }
}

async function factsOf(session: AttackSession, hints: DiscoveryHints): Promise<Facts> {
  const catalog = await readCatalog(session)
  const sql = createSqlReader()
  const tenancy = discover(catalog, sql, hints)
  return buildFacts({ catalog, sql, tenancy, sealed: false, proofs: makeProofs })
}

/** The application's roles and the owners of its tables; superusers and those with BYPASSRLS see all, before and after. */
function rolesOf(facts: Facts): readonly ActingRole[] {
  const owners = new Set(facts.relations.map((relation) => relation.owner))
  const known = new Set(facts.acting.map(({ role }) => role.oid))
  const others = [...owners].filter((oid) => !known.has(oid)).flatMap((oid) => ownerRole(facts.catalog, oid))
  return [...facts.acting.filter((role) => !role.bypasses), ...others]
}

function ownerRole(catalog: Catalog, oid: number): readonly ActingRole[] {
  const role = catalog.roles.get(oid)
  if (role === undefined || role.superuser || role.bypassRls) return []
  return [{ role, path: [role.name], rights: roleGraph(catalog).rightsOf(oid), bypasses: false }]
}

function unknownOf(facts: Facts, population: Population): ReadonlyMap<string, string> {
  return new Map(
    [...population.failures].flatMap(([oid, reason]) => {
      const label = facts.relationOf(oid)?.label
      return label === undefined ? [] : [[label, reason] as const]
    }),
  )
}
