import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { roleGraph } from '../catalog/role-graph.ts'
import { makeProofs } from '../prove/proofs.ts'
import { createSqlReader } from '../sql/reader.ts'
import { buildFacts } from '../tenancy/build-facts.ts'
import { type DiscoveryHints, discover } from '../tenancy/discovery/discover.ts'
import type { ActingRole, Facts } from '../tenancy/facts.ts'
import { type AttackSession, attackSession } from '../verify/attack/session.ts'
import { checksSeal } from '../verify/readings/seal-facts.ts'
import { splitStatements } from '../verify/sources/split-statements.ts'
import type { AccessRecord } from './access.ts'
import { blindTo, unreached } from './blind-to.ts'
import { type ColumnRights, columnDifferences, columnRights } from './column-rights.ts'
import { concerned } from './concerned.ts'
import { type Difference, differencesOf } from './differences.ts'
import { type Population, populate } from './population.ts'
import { recordAccess } from './record.ts'
import { sealerOfTrial } from './trial-seal.ts'

/** The result of applying statements to a copy of a schema. */
export interface TrialResult {
  /** The error, if the statements could not be applied or the schema could not be read afterwards. */
  readonly refused: string | undefined
  readonly differences: readonly Difference[]
  /** Facts of the changed schema. Undefined if the statements were refused, or if it was not read again. */
  readonly after: Facts | undefined
}

/**
 * Tries statements in a copy of a schema. Each call of {@link Trial.try} runs in a savepoint, inside one transaction that is rolled back.
 *
 * The trial plants three users of two tenants. Each role in reach (docs/glossary.md) and each owner of a table tries every verb on every
 * planted row, once before and once after the statements.
 */
export class Trial {
  readonly #session: AttackSession
  readonly #hints: DiscoveryHints
  readonly #population: Population
  readonly #before: AccessRecord
  readonly #rights: ColumnRights
  readonly #roles: readonly ActingRole[]
  /** Facts of the unchanged schema. */
  readonly facts: Facts
  readonly #client: pg.Client

  private constructor(parts: {
    readonly client: pg.Client
    readonly session: AttackSession
    readonly hints: DiscoveryHints
    readonly facts: Facts
    readonly population: Population
    readonly before: AccessRecord
    readonly rights: ColumnRights
    readonly roles: readonly ActingRole[]
  }) {
    this.#client = parts.client
    this.#session = parts.session
    this.#hints = parts.hints
    this.facts = parts.facts
    this.#population = parts.population
    this.#before = parts.before
    this.#rights = parts.rights
    this.#roles = parts.roles
  }

  /** @param client a superuser's connection to the copy, outside of any transaction. `loadParser()` must have been awaited before. */
  static async open(client: pg.Client, hints: DiscoveryHints): Promise<Trial> {
    const session = attackSession(client)
    await client.query('begin')
    await client.query("set local statement_timeout = '30s'; set local lock_timeout = '5s'")
    const facts = await factsOf(session, hints)
    const population = await populate(facts, session, await sealerOfTrial(session))
    const roles = rolesOf(facts)
    const before = await recordAccess({ facts, population, session, roles, spoken: [facts] })
    const rights = await columnRights(client, roles)
    return new Trial({ client, session, hints, facts, population, before, rights, roles })
  }

  /** The outcome of each access before any change. */
  get record(): AccessRecord {
    return this.#before
  }

  /** Tables that can't be tried because no row could be planted: name and the reason, with the server's words. */
  get unknown(): ReadonlyMap<string, string> {
    const named = [...this.#population.failures].flatMap(([oid, reason]) => {
      const label = this.facts.relationOf(oid)?.label
      return label === undefined ? [] : [[label, `no row could be planted: ${reason}`] as const]
    })
    return new Map(named)
  }

  /** Tables of which no session of the application could read a row, although privileges and policies let some sessions read. */
  get unreached(): readonly string[] {
    return unreached({
      facts: this.facts,
      roles: this.#roles,
      before: this.#before,
      failures: this.#population.failures,
    })
  }

  /** The reason why {@link Trial.try} could miss a loss of access by these statements. Undefined if there is no such reason. */
  blindTo(statements: string): string | undefined {
    return blindTo(statements, {
      facts: this.facts,
      roles: this.#roles,
      before: this.#before,
      failures: this.#population.failures,
    })
  }

  /**
   * Runs the statements, and then tries which rows each user can reach.
   *
   * @param statements one or more statements in one text. BEGIN, COMMIT and CONCURRENTLY are left out, because a trial is one transaction.
   *   If the statements name tables, the trial tries only these tables and the tables and views that depend on them.
   * @param look whether to read the schema again after the statements; default true. Reading it takes most of the time of a trial
   */
  async try(statements: string, look = true): Promise<TrialResult> {
    const answer = await this.#session.probe(async () => {
      for (const { text } of splitStatements(statements).statements)
        if (!/^(?:begin|commit|start\s+transaction|end)\b/i.test(text))
          await this.#session.run(text.replace(/\bconcurrently\b/gi, ''))
      const after = look ? await factsOf(this.#session, this.#hints) : undefined
      const record = await recordAccess({
        facts: this.facts,
        population: this.#population,
        session: this.#session,
        roles: this.#roles,
        relations: concerned(this.facts, statements),
        // The statements may have changed the setting that the policies read, so each session sets the tenant in the old and in the new
        // setting.
        spoken: after === undefined ? [this.facts] : [this.facts, after],
      })
      const rights = { before: this.#rights, after: await columnRights(this.#client, this.#roles) }
      const columns = columnDifferences(rights, { before: this.#before, after: record }, (object, column) =>
        this.facts.relations.some(
          ({ label, columns }) => label === object && columns.some(({ name }) => name === column),
        ),
      )
      const rows = differencesOf(this.#before, record)
      return { after, differences: [...rows, ...columns.filter((each) => !isTold(each, rows))] }
    })
    if (!answer.ok) return { refused: answer.error.message, differences: [], after: undefined }
    return { refused: undefined, ...answer.value }
  }

  /** Rolls everything back. The connection stays open. */
  async close(): Promise<void> {
    await this.#client.query('rollback')
  }
}

/** Whether `rows` already reports a difference for the whole table. The columns of that table then need not be listed. */
function isTold({ access }: Difference, rows: readonly Difference[]): boolean {
  return rows.some(
    (row) => row.access.role === access.role && row.access.object === access.object && row.access.verb === access.verb,
  )
}

async function factsOf(session: AttackSession, hints: DiscoveryHints): Promise<Facts> {
  const catalog = await readCatalog(session)
  const sql = createSqlReader()
  const tenancy = discover(catalog, sql, hints)
  const sealed = checksSeal([...catalog.relations.values()])
  return buildFacts({ catalog, sql, tenancy, sealed, loginDoubt: undefined, proofs: makeProofs })
}

/** The application's roles and the owners of its tables. Roles that bypass policies are left out: they see all rows, before and after. */
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
