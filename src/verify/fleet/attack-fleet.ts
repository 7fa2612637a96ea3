import type pg from 'pg'
import { quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { SealMaker } from '../../seal/seal.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import type { Fleet, FleetRelation } from '../../tenancy/fleet/fleet.ts'
import type { Observation } from '../attack/arena.ts'
import { type AttackSession, attackSession } from '../attack/session.ts'
import { draftsOf } from '../finding/drafts.ts'
import { rolesOn, tenantsOf } from '../readings/fleet-tables.ts'
import { HASHED } from '../readings/schema-policies.ts'
import { policyTrustsSearchPath } from '../rules/policy-trusts-search-path.ts'
import { schemaPolicyWrongTenant } from '../rules/schema-policy-wrong-tenant.ts'
import { schemaTableUnwalled } from '../rules/schema-table-unwalled.ts'
import { plantFleetRow } from './plant-fleet-row.ts'

interface FleetAttackOptions {
  readonly facts: Facts
  readonly connect: () => Promise<pg.Client>
  readonly sealSecret: string | undefined
  readonly statementTimeoutMs: number
  readonly lockTimeoutMs: number
}

export interface FleetRun {
  readonly observations: readonly Observation[]
  readonly probes: number
  readonly planted: number
  /** Whether a tenant saw a row of its own, by the name of the table. Tables of several schemas may have this name. */
  readonly controls: ReadonlyMap<string, boolean>
}

/**
 * Maximum number of tables that are attacked because rules report them. Of tables with the same name that no rule reports, only one is
 * attacked.
 */
const MAX_SUSPECTS = 100

/**
 * Attacks tables of one tenant's schema in the context of another: SELECT, INSERT, UPDATE and DELETE by the qualified name. One
 * transaction, which is rolled back.
 */
export async function attackFleet(options: FleetAttackOptions): Promise<FleetRun> {
  const { facts } = options
  const { fleet } = facts
  const run = { observations: [] as Observation[], probes: 0, planted: 0, controls: new Map<string, boolean>() }
  if (fleet === undefined || fleet.schemas.length < 2) return run
  const client = await options.connect()
  try {
    await client.query('begin')
    await client.query(
      `set local statement_timeout = ${options.statementTimeoutMs}; set local lock_timeout = ${options.lockTimeoutMs}; set local idle_in_transaction_session_timeout = 0`,
    )
    const session = attackSession(client)
    const sealer = await sealerOf(options, session)
    for (const victim of victimsOf(facts, fleet)) {
      const attack = new TableAttack(facts, fleet, session, sealer, victim)
      await attack.run()
      run.observations.push(...attack.observations)
      run.probes += attack.probes
      run.planted += attack.planted ? 1 : 0
      if (run.controls.get(victim.name) !== true) run.controls.set(victim.name, attack.controlWorked)
    }
    return run
  } finally {
    await client.query('rollback').catch(() => {}) // a dead connection has rolled back already
    await client.end().catch(() => {})
  }
}

function victimsOf(facts: Facts, fleet: Fleet): readonly FleetRelation[] {
  const suspects = new Set(
    [schemaTableUnwalled, schemaPolicyWrongTenant, policyTrustsSearchPath].flatMap((rule) =>
      draftsOf(rule, facts).map(({ object }) => object),
    ),
  )
  const seen = new Set<string>()
  let suspected = 0
  return fleet.relations.filter((relation) => {
    if (relation.kind !== 'table' || rolesOn(facts, relation).length === 0) return false
    const key = `${relation.name} ${relation.shape}`
    if (suspects.has(`${relation.schema}.${relation.name}`) && suspected++ < MAX_SUSPECTS) return true
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

type Sealer = (tenant: string, schema: string, role: ActingRole) => string

async function sealerOf({ sealSecret, facts }: FleetAttackOptions, session: AttackSession): Promise<Sealer> {
  if (sealSecret === undefined) return () => ''
  const { rows } = await session.query<{ pid: number; database: string }>(
    'select pg_backend_pid() as pid, current_database()::text as database',
  )
  const { pid: backendPid = 0, database = '' } = rows[0] ?? {}
  const maker = new SealMaker(sealSecret)
  const registered = new Set(facts.fleet?.registry?.map(({ schema }) => schema))
  return (tenantId, schema, { role }) => {
    const level = role.name === 'tenant_admin' ? 'tenant_admin' : 'tenant_user'
    const subject = { tenantId, userId: '', actor: '', level, readOnly: false } as const
    const placement = registered.has(schema) ? { placement: schema } : {}
    return maker.seal({ ...subject, ...placement }, { database, backendPid }, Math.floor(Date.now() / 1000) + 3600)
  }
}

const MARK = 'partywall_fleet_row'

class TableAttack {
  readonly observations: Observation[] = []
  probes = 0
  planted = false
  controlWorked = false
  readonly #facts: Facts
  readonly #fleet: Fleet
  readonly #session: AttackSession
  readonly #sealer: Sealer
  readonly #victim: FleetRelation

  constructor(facts: Facts, fleet: Fleet, session: AttackSession, sealer: Sealer, victim: FleetRelation) {
    this.#facts = facts
    this.#fleet = fleet
    this.#session = session
    this.#sealer = sealer
    this.#victim = victim
  }

  get #label(): string {
    return `${this.#victim.schema}.${this.#victim.name}`
  }

  get #name(): string {
    return `${quoteIdentifier(this.#victim.schema)}.${quoteIdentifier(this.#victim.name)}`
  }

  async run(): Promise<void> {
    const tenants = tenantsOf(this.#facts, this.#fleet)
    const other = this.#fleet.schemas.find(({ name }) => name !== this.#victim.schema && tenants.has(name))?.name
    const attacker = other ?? this.#fleet.schemas.find(({ name }) => name !== this.#victim.schema)?.name
    if (attacker === undefined) return
    await this.#session.run('savepoint partywall_fleet')
    try {
      this.planted = await plantFleetRow(this.#session, this.#name)
      for (const role of rolesOn(this.#facts, this.#victim)) {
        const own = tenants.get(this.#victim.schema)
        if (own !== undefined && !own.startsWith(HASHED) && (await this.#sees(role, own, this.#victim.schema)))
          this.controlWorked = true
        for (const tenant of [tenants.get(attacker) ?? attacker, '']) await this.#attackAs(role, tenant, attacker)
      }
    } finally {
      await this.#session.run('rollback to savepoint partywall_fleet; release savepoint partywall_fleet')
    }
  }

  async #sees(role: ActingRole, tenant: string, schema: string): Promise<boolean> {
    const answer = await this.#probe(role, tenant, schema, `select 1 as ${MARK} from ${this.#name} limit 1`)
    return answer !== undefined && answer > 0
  }

  async #attackAs(role: ActingRole, tenant: string, schema: string): Promise<void> {
    const told = `as ${role.role.name}, ${tenant === '' ? 'without a tenant' : `as the tenant of ${schema}`}`
    const column = await this.#column()
    const attempts: readonly (readonly ['select' | 'update' | 'delete', string])[] = [
      ['select', `select 1 as ${MARK} from ${this.#name} limit 1`],
      ...(column === undefined ? [] : ([['update', `update ${this.#name} set ${column} = ${column}`]] as const)),
      ['delete', `delete from ${this.#name}`],
    ]
    for (const [verb, sql] of attempts) {
      const rows = await this.#probe(role, tenant, schema, sql)
      if (rows === undefined || rows === 0) continue
      this.observations.push({
        rule: this.#cause(),
        object: this.#label,
        verbs: [verb],
        message: `A tenant reaches rows of ${this.#label}, which is in the schema of another tenant.`,
        evidence: [`${told}: ${verb.toUpperCase()} on ${this.#label} reached ${rows} row${rows === 1 ? '' : 's'}`],
        fix: `-- CALL partywall.install_schema(${quoteLiteral(this.#victim.schema)}, '<id of the tenant>');`,
      })
    }
  }

  /** The rule that has a static finding about this table. If there is none, `schema-table-unwalled`. */
  #cause() {
    const rules = [schemaPolicyWrongTenant, policyTrustsSearchPath, schemaTableUnwalled]
    const rule = rules.find((each) =>
      draftsOf(each, this.#facts).some((draft) => draft.object === this.#label && draft.unconfirmed === undefined),
    )
    return (rule ?? schemaTableUnwalled).id
  }

  async #column(): Promise<string | undefined> {
    const { rows } = await this.#session.query<{ name: string }>(
      "select pg_catalog.quote_ident(attname) as name from pg_catalog.pg_attribute where attrelid = $1::pg_catalog.oid and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = '' order by attnum desc limit 1",
      [this.#victim.oid],
    )
    return rows[0]?.name
  }

  /**
   * The number of rows that a statement reached in a context. Undefined if the server refused the statement. The statement is rolled back.
   */
  async #probe(role: ActingRole, tenant: string, schema: string, sql: string): Promise<number | undefined> {
    this.probes++
    const { setting } = this.#facts.tenancy.context
    const seal = tenant === '' ? '' : this.#sealer(tenant, schema, role)
    const answer = await this.#session.probe(async () => {
      await this.#session.run(
        `select pg_catalog.set_config('search_path', ${quoteLiteral(`${quoteIdentifier(schema)}, pg_temp`)}, true), pg_catalog.set_config(${quoteLiteral(setting)}, ${quoteLiteral(tenant)}, true), pg_catalog.set_config('app.tenant_seal', ${quoteLiteral(seal)}, true), pg_catalog.set_config('role', ${quoteLiteral(role.role.name)}, true)`,
      )
      return (await this.#session.text(sql)).count
    })
    return answer.ok ? answer.value : undefined
  }
}
