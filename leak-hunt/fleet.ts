// Where each tenant's tables are: some tenants use the shared table, some a schema of their own, and some move between both.
import type { Placement } from '../src/context/placement.ts'

/** Runs SQL as the superuser. */
export type Admin = (text: string, values?: readonly unknown[]) => Promise<{ readonly rows: readonly unknown[] }>

interface Home {
  /** The registered schema of the tenant, even while the tenant uses the shared table. Undefined: it has none. */
  schema: string | undefined
  inSchema: boolean
  /** When the last move ended, by `performance.now()`. Infinity during a move. */
  movedAt: number
}

const SHARED_TABLE = 'public.ledger'

/**
 * The tenants of the hunt. It answers as a tenant directory does: a move that has just ended is known to it a moment later than to the
 * database.
 */
export class Fleet {
  readonly #homes = new Map<string, Home>()
  readonly #first: readonly string[]
  readonly #tenants: string[] = []
  /** Tenants with an attacker inside. */
  readonly attackers: readonly string[]
  /** Tenants that use the shared table and never move. */
  readonly settled: readonly string[]
  readonly #admin: Admin
  readonly #sealed: boolean
  /** False on a database of the release before, which knows no schemas of tenants. */
  readonly hasSchemas: boolean
  #made = 0
  /** Number of moves that changed a tenant's place. */
  moves = 0

  constructor(
    tenants: readonly string[],
    options: { readonly attackers: number; readonly schemas: boolean; readonly sealed: boolean; readonly admin: Admin },
  ) {
    this.#admin = options.admin
    this.#first = tenants
    this.#sealed = options.sealed
    this.hasSchemas = options.schemas
    this.attackers = tenants.slice(0, options.attackers)
    // Every fourth tenant never moves, so each group has attackers and others.
    this.settled = tenants.filter((_, at) => !options.schemas || at % 4 === 0)
  }

  get tenants(): readonly string[] {
    return this.#tenants
  }

  /** Tenants that may move between the shared table and a schema. */
  get movable(): readonly string[] {
    return this.#tenants.filter((tenantId) => !this.settled.includes(tenantId))
  }

  /** Gives the first tenants their places, every other one a schema of its own, and one row each. */
  async settle(): Promise<void> {
    for (const [at, tenantId] of this.#first.entries()) {
      await this.add(tenantId, this.hasSchemas && at % 2 === 1 ? 'schema' : 'shared')
      await this.#admin(
        `insert into ${this.tableOf(tenantId)} (tenant_id, id, writer) values ($1, gen_random_uuid(), $1)`,
        [tenantId],
      )
      this.join(tenantId)
    }
  }

  /** Makes a place for a new tenant: in the shared table, or in a schema of its own. No operation uses the tenant before {@link join}. */
  async add(tenantId: string, place: 'shared' | 'schema'): Promise<void> {
    const schema = place === 'schema' ? await this.#createSchema(tenantId, true) : undefined
    this.#homes.set(tenantId, { schema, inSchema: schema !== undefined, movedAt: 0 })
  }

  /** Lets all operations use the tenant. */
  join(tenantId: string): void {
    this.#tenants.push(tenantId)
  }

  /** The tenant's registered schema. A tenant of the shared table without one gets it, and stays where it is. */
  async schemaOf(tenantId: string): Promise<string> {
    const home = this.#homeOf(tenantId)
    home.schema ??= await this.#createSchema(tenantId, false)
    return home.schema
  }

  /** Placement that the directory answers for the tenant now. */
  placementOf(tenantId: string): Placement | undefined {
    const home = this.#homes.get(tenantId)
    return home?.schema !== undefined && home.inSchema ? { schema: home.schema } : undefined
  }

  /** The other place of the tenant, as a process with an outdated answer knows it. */
  otherPlacementOf(tenantId: string): Placement | undefined {
    const { schema, inSchema } = this.#homeOf(tenantId)
    return schema !== undefined && !inSchema ? { schema } : undefined
  }

  hasTwoPlaces(tenantId: string): boolean {
    return this.#homeOf(tenantId).schema !== undefined
  }

  /** The qualified name of the tenant's table. */
  tableOf(tenantId: string): string {
    const placement = this.placementOf(tenantId)
    return placement === undefined ? SHARED_TABLE : `${placement.schema}.ledger`
  }

  isMoving(tenantId: string): boolean {
    return this.#homes.get(tenantId)?.movedAt === Number.POSITIVE_INFINITY
  }

  /** Whether a move of the tenant ended after `since`, or is not over. Its statements may be refused. */
  hasMovedSince(tenantId: string, since: number): boolean {
    return (this.#homes.get(tenantId)?.movedAt ?? 0) >= since
  }

  /** Runs a move. At its end, whether it failed or not, the database knows where the tenant is. */
  async during(tenantId: string, move: () => Promise<unknown>): Promise<void> {
    const home = this.#homeOf(tenantId)
    home.movedAt = Number.POSITIVE_INFINITY
    try {
      await move()
    } finally {
      const inSchema = (await this.#placeInDatabase(tenantId)) !== ''
      if (inSchema !== home.inSchema) this.moves += 1
      home.inSchema = inSchema
      home.movedAt = performance.now()
    }
  }

  /** All rows of all places, each with the table where it is. */
  async everyRow(): Promise<readonly unknown[]> {
    const schemas = [...this.#homes.values()].flatMap(({ schema }) => (schema === undefined ? [] : [schema]))
    const tables = [SHARED_TABLE, ...schemas.map((schema) => `${schema}.ledger`)]
    const parts = tables.map((table) => `select tenant_id, id, writer, '${table}' as "table" from ${table}`)
    return (await this.#admin(parts.join(' union all '))).rows
  }

  /** The schema that the database has for the tenant. Waits until a mover that was killed holds no lock any more. */
  async #placeInDatabase(tenantId: string): Promise<unknown> {
    for (;;) {
      const { rows } = await this.#admin(
        `select s.schema_name as place, exists (select from pg_locks l where l.pid = s.mover_pid and l.locktype = 'advisory' and l.classid = 1886680439) as held
           from partywall.tenant_states s where s.tenant_id = $1`,
        [tenantId],
      )
      const row = Object(rows[0] ?? { place: '', held: false })
      if (row.held !== true) return row.place
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  #homeOf(tenantId: string): Home {
    const home = this.#homes.get(tenantId)
    if (home === undefined) throw new Error('the fleet has no such tenant')
    return home
  }

  async #createSchema(tenantId: string, place: boolean): Promise<string> {
    this.#made += 1
    const schema = `tenant_${this.#made}`
    await this.#admin(`
      create schema ${schema};
      create table ${schema}.ledger (like ${SHARED_TABLE} including all, check (tenant_id = '${tenantId}'));
      call partywall.install_schema('${schema}', '${tenantId}', place => ${place}, sealed => ${this.#sealed})`)
    return schema
  }
}
