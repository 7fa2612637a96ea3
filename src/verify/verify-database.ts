import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import type { Queryable } from '../catalog/model.ts'
import { parseOptions } from '../config/parse-options.ts'
import { ConfigurationError } from '../errors.ts'
import { makeProofs } from '../prove/proofs.ts'
import { loadParser } from '../sql/parser.ts'
import { createSqlReader } from '../sql/reader.ts'
import { buildFacts } from '../tenancy/build-facts.ts'
import type { Facts, Tenancy } from '../tenancy/facts.ts'
import type { Fleet } from '../tenancy/fleet/fleet.ts'
import { readFleet } from '../tenancy/fleet/read-fleet.ts'
import { requireCanAct } from './attack/can-act.ts'
import { lookForRows, type RowsBefore } from './attack/look-for-rows.ts'
import { whyBroken } from './broken-run.ts'
import { connect } from './connect.ts'
import { discoverFleetAndTables } from './fleet/discover-fleet.ts'
import { type VerifyOptions, verifyOptionsSchema } from './options.ts'
import { checksSeal } from './readings/seal-facts.ts'
import { type JudgedScope, judgeScope } from './report/judge-scope.ts'
import { makeReport } from './report/make-report.ts'
import { readServerFacts, type ServerFacts } from './report/read-server-facts.ts'
import type { VerifyReport } from './report/report-model.ts'
import { rules } from './rules/list.ts'

/**
 * Proves the tenant isolation of a real database, or reports holes in it.
 *
 * Reads the catalog and tries to prove each table from its parsed policies. In the mode `attack` it also plants two tenants and attacks
 * as the application's role and each role that it can become. All transactions are rolled back.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if verify can't run: a role or the tenant column is not found, a right is missing,
 *   or the database can't be reached
 */
export async function verifyDatabase(options: VerifyOptions): Promise<VerifyReport> {
  const given = parseOptions(verifyOptionsSchema, options, 'verifyDatabase(options)')
  await loadParser()
  const appRole = given.appRole ?? (given.appUrl === undefined ? undefined : await roleOf(given.appUrl))
  const client = await connect(given.databaseUrl, given.signal)
  let scopes: readonly [Facts, ...(readonly Facts[])]
  let decision: Decision
  let server: ServerFacts
  try {
    await client.query('begin isolation level repeatable read read only')
    await client.query(
      `set local statement_timeout = ${READING_TIMEOUT_MS}; set local lock_timeout = ${given.lockTimeoutMs}`,
    )
    const db = queryable(client)
    const sql = createSqlReader()
    const { catalog, fleet: open, tenancies } = await discoverFleetAndTables(db, sql, { ...given, appRole })
    const [first, ...others] = tenancies
    const sealed =
      given.sealSecret !== undefined || checksSeal([...catalog.relations.values(), ...(open?.tables ?? [])])
    const factsOf = (tenancy: Tenancy, fleet?: Fleet) =>
      buildFacts({ catalog, sql, tenancy, sealed, loginDoubt: loginDoubt(catalog, given), fleet, proofs: makeProofs })
    const fleet = open === undefined ? undefined : await readFleet(db, open.found, actingIn(factsOf(first)))
    scopes = [factsOf(first, fleet), ...others.map((tenancy) => factsOf(tenancy))]
    server = await readServerFacts(db, catalog, given.ownServer)
    decision = await decide(client, scopes, given)
  } catch (error) {
    throw whyBroken(error, given.signal)
  } finally {
    await client.end().catch(() => {}) // everything was read: an error while closing does not matter
  }

  const chosen = rules.filter((rule) => given.rules === undefined || given.rules.includes(rule.id))
  const judge = (facts: Facts) =>
    judgeScope(facts, {
      chosen,
      only: given.rules,
      attack: decision.attack
        ? {
            connect: () => connect(given.databaseUrl, given.signal),
            sealSecret: given.sealSecret,
            contextSql: given.contextSql,
            ownServer: given.ownServer
              ? { url: given.databaseUrl, connect: (url) => connect(url, given.signal) }
              : undefined,
            statementTimeoutMs: given.statementTimeoutMs,
            lockTimeoutMs: given.lockTimeoutMs,
            onProgress: given.onProgress ?? (() => {}),
          }
        : undefined,
    }).catch((error: unknown) => {
      throw whyBroken(error, given.signal)
    })
  const [first, ...others] = scopes
  const judged: [JudgedScope, ...JudgedScope[]] = [await judge(first)]
  for (const facts of others) judged.push(await judge(facts))
  return makeReport(judged, { ruleCount: chosen.length, server, rowsBefore: decision.rowsBefore })
}

/** The roles that an attacker inside the application can act as, and to which policies apply. */
function actingIn({ acting }: Facts): readonly number[] {
  return acting.filter(({ bypasses }) => !bypasses).map(({ role }) => role.oid)
}

/** Statement timeout while the catalog is read. Even in a large database the reading takes far less time. */
const READING_TIMEOUT_MS = 120_000

function queryable(client: pg.Client): Queryable {
  return { query: (text, values) => client.query(text, values === undefined ? undefined : [...values]) }
}

async function roleOf(url: string): Promise<string> {
  const client = await connect(url, undefined)
  try {
    const { rows } = await client.query<{ name: string }>('select session_user::text as name')
    return rows[0]?.name ?? ''
  } finally {
    await client.end()
  }
}

/** Returns why policies that read session_user can't be judged for the application's login role. Undefined if they can be judged. */
function loginDoubt(
  { reader }: Catalog,
  given: { readonly ownServer: boolean; readonly appUrl?: string | undefined },
): string | undefined {
  if (given.ownServer) return undefined
  if (!reader.superuser)
    return `${reader.name} is no superuser and can only SET ROLE, so session_user stays ${reader.name}. Verify as a superuser, with --app-url URL of the application's login`
  return given.appUrl === undefined ? 'give --app-url URL to name the login of the application' : undefined
}

interface Decision {
  readonly attack: boolean
  /** Undefined if verify did not look for rows, because it attacks nothing. */
  readonly rowsBefore: RowsBefore | undefined
}

/**
 * Decides whether to attack. In the mode `auto`, verify attacks only if all tenant tables are empty. If it looks for rows, it ends the
 * transaction that read the catalog.
 */
async function decide(
  client: pg.Client,
  scopes: readonly [Facts, ...(readonly Facts[])],
  { mode, lockTimeoutMs }: { readonly mode: 'auto' | 'static' | 'attack'; readonly lockTimeoutMs: number },
): Promise<Decision> {
  if (mode === 'static') return { attack: false, rowsBefore: undefined }
  const { rows } = await client.query<{ standby: boolean }>('select pg_catalog.pg_is_in_recovery() as standby')
  const standby = rows[0]?.standby === true
  if (standby && mode === 'attack')
    throw new ConfigurationError(
      'This server is a standby: nothing can be planted there. Attack the primary, or use --static.',
    )
  if (standby) return { attack: false, rowsBefore: undefined }
  await client.query('rollback')
  const oids = new Set(scopes.flatMap(({ tenancy }) => [...tenancy.tables.keys()]))
  const rowsBefore = await lookForRows(client, [...oids], lockTimeoutMs)
  const attack = mode === 'attack' || rowsBefore === 'none'
  if (attack) requireCanAct(scopes[0])
  return { attack, rowsBefore }
}
