import { getCurrentTenant } from '../context/run-with-tenant.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import { ConfigurationError, InvalidInputError, NotFoundError } from '../errors.ts'
import { couldBeId } from './column-types.ts'
import { type RepositoryConnection, type RepositoryPool, send, sendPrepared } from './connection.ts'
import { behind, type CursorPlace, readCursor, writeCursor } from './cursor.ts'
import { databaseRefusal } from './database-refusal.ts'
import { type OrderBy, type OrderTerm, orderTerms, orderText } from './order.ts'
import { MAX_LIMIT, readLimit, readOffset } from './page-bounds.ts'
import { rowInput } from './row-input.ts'
import { Statement } from './statement.ts'
import { quote, readTable, type Table, type TableOptions } from './table.ts'
import { type Where, whereConditions } from './where.ts'

/** The keys of paging cursors, the current one first. */
export type CursorKeys = () => Promise<readonly Uint8Array[]>

/** Options of {@link TenantAwareRepository}. */
export interface RepositoryOptions<Row> extends TableOptions<Row> {
  /** A tenant pool (`wall.pool`). */
  readonly pool: RepositoryPool
  /** Keys that sign cursors (`wall.cursorKeys`). Without keys, a repository neither returns nor accepts cursors. */
  readonly cursorKeys?: CursorKeys | undefined
}

/** The columns of a new row. `tenant_id` must be the context's tenant if it is given. */
export type NewRow<Row> = {
  readonly [Name in Exclude<keyof Row & string, 'id' | 'created_at'>]?: Row[Name] | undefined
}

/** The columns that an update may set. */
export type RowChanges<Row> = NewRow<Row>

export interface ListOptions<Row> {
  /** Default 100, at most 1000. */
  readonly limit?: number | undefined
  /** Rows to skip. On long lists a cursor is cheaper. */
  readonly offset?: number | undefined
  /** A `nextCursor` of the same list. */
  readonly after?: string | undefined
  /** Default: newest first. */
  readonly orderBy?: OrderBy<Row> | undefined
  readonly where?: Where<Row> | undefined
}

export interface Page<Row> {
  readonly items: readonly Row[]
  /** Pass it as `after` to get the next page. Undefined on the last page. */
  readonly nextCursor: string | undefined
}

const MAX_PARAMETERS = 65_000
const ORDER_ALIAS = 'partywall_order_'

/**
 * Reads and writes one table for the tenant of the current context.
 *
 * Each statement filters by tenant itself, in addition to row-level security. A row of another tenant looks like a missing row: both cases
 * send one statement with the same text, and give the same error. Names in SQL come only from `columns`; values are parameters.
 *
 * All methods throw {@link TenantContextMissingError} (`PARTYWALL_CONTEXT_MISSING`) outside a tenant context, before anything is sent.
 *
 * @example
 * ```ts
 * interface Document { id: string; tenant_id: string; title: string; created_at: Date }
 * const documents = new TenantAwareRepository<Document>({
 *   pool: wall.pool,
 *   table: 'documents',
 *   columns: { id: 'uuid', tenant_id: 'uuid', title: 'text', created_at: 'timestamptz' },
 * })
 * ```
 */
export class TenantAwareRepository<Row extends object> {
  // No #private fields: `using` makes an object whose prototype is this object, and the new object would not have them.
  private readonly connection: RepositoryConnection
  private readonly pool: RepositoryPool
  private readonly table: Table
  private readonly cursorKeys: CursorKeys | undefined

  /** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` naming every invalid option */
  constructor(options: RepositoryOptions<Row>) {
    this.table = readTable(options)
    this.pool = options.pool
    this.connection = options.pool
    this.cursorKeys = options.cursorKeys
  }

  /** Returns this repository bound to an open transaction of the same tenant. */
  using(transaction: RepositoryConnection): this {
    const copy: this = Object.create(this)
    Object.defineProperty(copy, 'connection', { value: transaction })
    return copy
  }

  /** The row, or undefined if there is none, if the id is malformed, or if the row belongs to another tenant. */
  async findById(id: string | number | bigint): Promise<Row | undefined> {
    const { table } = this
    const { tenantId } = getCurrentTenant()
    if (!couldBeId(id, table.types.get(table.idColumn) ?? 'text')) return undefined
    const statement = new Statement()
    const filter = statement.tenantFilter(table, tenantId)
    const text = `select ${table.list} from ${table.quoted} where ${filter} and ${this.isId(id, statement)}`
    return (await this.runPrepared(text, statement.values))[0]
  }

  /** Rows of the tenant, newest first. */
  async findAll(options: ListOptions<Row> = {}): Promise<Row[]> {
    const { rows } = await this.list(options, false)
    return rows
  }

  /** Like {@link findAll}, and returns the cursor of the next page too. A cursor is valid only for the same tenant and the same list. */
  async findPage(options: ListOptions<Row> = {}): Promise<Page<Row>> {
    const limit = readLimit(options.limit)
    const { rows, places, place } = await this.list({ ...options, limit }, true)
    const last = places[limit - 1]
    const items = rows.slice(0, limit)
    if (rows.length <= limit || last === undefined) return { items, nextCursor: undefined }
    const [key] = await this.keys()
    if (key === undefined) throw noCursorKey()
    return { items, nextCursor: writeCursor(last, place, key) }
  }

  /** How many rows of the tenant there are. */
  async count(options: { readonly where?: Where<Row> | undefined } = {}): Promise<number> {
    const { table } = this
    const { tenantId } = getCurrentTenant()
    const statement = new Statement()
    const conditions = [
      statement.tenantFilter(table, tenantId),
      ...whereConditions(table, options.where, statement, tenantId),
    ]
    const rows = await send(
      this.connection,
      `select count(*)::text as count from ${table.quoted} where ${conditions.join(' and ')}`,
      statement.values,
    )
    const [row] = rows
    return row !== null && typeof row === 'object' && 'count' in row ? Number(row.count) : 0
  }

  /**
   * Inserts a row of the tenant.
   *
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` the data names another tenant; nothing was looked up
   * @throws {InvalidInputError} `PARTYWALL_INVALID_INPUT` an unknown column, or a value that the table refuses
   * @throws {ConflictError} `PARTYWALL_CONFLICT` the tenant has such a row already
   */
  async create(data: NewRow<Row>): Promise<Row> {
    const [row] = await this.createMany([data])
    if (row === undefined) throw new NotFoundError('The new row can not be read.')
    return row
  }

  /** Inserts at most 1000 rows in one statement: all of them or none. @throws as {@link create} */
  async createMany(data: readonly NewRow<Row>[]): Promise<Row[]> {
    const { table } = this
    const { tenantId } = getCurrentTenant()
    if (!Array.isArray(data) || data.length > MAX_LIMIT)
      throw new InvalidInputError(`At most ${MAX_LIMIT} rows can be made at once.`)
    const inputs = data.map((row) => rowInput(table, row, tenantId))
    if (inputs.length === 0) return []
    const columns = [...new Set(inputs.flatMap((input) => [...input.keys()]))]
    if (columns.length * inputs.length > MAX_PARAMETERS)
      throw new InvalidInputError('These are too many values at once.')
    const statement = new Statement()
    const rows = inputs.map((input) => {
      const values = columns.map((column) =>
        input.has(column) ? statement.bind(table, column, input.get(column)) : 'default',
      )
      return `(${[statement.bind(table, table.tenantColumn, tenantId), ...values].join(', ')})`
    })
    const names = [table.tenantColumn, ...columns].map(quote).join(', ')
    const text = `insert into ${table.quoted} (${names}) values ${rows.join(', ')} returning ${table.list}`
    return inputs.length === 1 ? this.runPrepared(text, statement.values) : this.run(text, statement.values)
  }

  /**
   * Changes a row of the tenant. Id, tenant and creation time can't be changed.
   *
   * @throws {NotFoundError} `PARTYWALL_NOT_FOUND` if there is no such row, or if it belongs to another tenant
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` the data names another tenant; nothing was looked up
   * @throws {InvalidInputError} `PARTYWALL_INVALID_INPUT`
   */
  async update(id: string | number | bigint, changes: RowChanges<Row>): Promise<Row> {
    const { table } = this
    const { tenantId } = getCurrentTenant()
    const input = rowInput(table, changes, tenantId)
    if (input.size === 0) throw new InvalidInputError('There is nothing to change.')
    if (!couldBeId(id, table.types.get(table.idColumn) ?? 'text')) throw missing()
    const statement = new Statement()
    const sets = [...input].map(([column, value]) => `${quote(column)} = ${statement.bind(table, column, value)}`)
    const filter = statement.tenantFilter(table, tenantId)
    const [row] = await this.runPrepared(
      `update ${table.quoted} set ${sets.join(', ')} where ${filter} and ${this.isId(id, statement)} returning ${table.list}`,
      statement.values,
    )
    if (row === undefined) throw missing()
    return row
  }

  /**
   * Removes a row of the tenant.
   *
   * @throws {NotFoundError} `PARTYWALL_NOT_FOUND` if there is no such row, or if it belongs to another tenant
   */
  async delete(id: string | number | bigint): Promise<void> {
    const { table } = this
    const { tenantId } = getCurrentTenant()
    if (!couldBeId(id, table.types.get(table.idColumn) ?? 'text')) throw missing()
    const statement = new Statement()
    const filter = statement.tenantFilter(table, tenantId)
    const rows = await sendPrepared(
      this.connection,
      `delete from ${table.quoted} where ${filter} and ${this.isId(id, statement)} returning 1 as deleted`,
      statement.values,
    )
    if (rows.length === 0) throw missing()
  }

  /** Runs `fn` in one transaction of the tenant; {@link using} binds repositories to it. */
  async withTenantContext<T>(fn: (transaction: RepositoryConnection, tenant: TenantContext) => Promise<T>): Promise<T> {
    const tenant = getCurrentTenant()
    try {
      return await this.pool.transaction((transaction) => fn(transaction, tenant))
    } catch (error) {
      throw databaseRefusal(error)
    }
  }

  private async list(options: ListOptions<Row>, withPlaces: boolean) {
    const { table } = this
    const { tenantId } = getCurrentTenant()
    const limit = readLimit(options.limit)
    const terms = orderTerms(table, options.orderBy)
    const statement = new Statement()
    const conditions = [
      statement.tenantFilter(table, tenantId),
      ...whereConditions(table, options.where, statement, tenantId),
    ]
    const place: CursorPlace = {
      tenantId,
      table: table.name,
      conditions: [...conditions],
      values: [...statement.values],
      terms,
    }
    if (options.after !== undefined)
      conditions.push(behind(table, terms, readCursor(options.after, place, await this.keys()), statement))
    const columns = withPlaces ? `${table.list}, ${placeColumns(terms)}` : table.list
    const text = `select ${columns} from ${table.quoted} where ${conditions.join(' and ')} order by ${orderText(terms)} limit ${
      withPlaces ? limit + 1 : limit
    } offset ${readOffset(options.offset)}`
    const rows = await this.run(text, statement.values)
    const places = withPlaces ? rows.map((row) => takePlace(row, terms.length)) : []
    return { rows, places, place }
  }

  private isId(id: string | number | bigint, statement: Statement): string {
    return `${quote(this.table.idColumn)} = ${statement.bind(this.table, this.table.idColumn, String(id))}`
  }

  /**
   * Sends a statement that finds a row by its key or inserts a row. These statements are prepared, because they have few different texts.
   */
  private async runPrepared(text: string, values: unknown[]): Promise<Row[]> {
    return this.asRows(await sendPrepared(this.connection, text, values))
  }

  private async run(text: string, values: unknown[]): Promise<Row[]> {
    return this.asRows(await send(this.connection, text, values))
  }

  private asRows(rows: unknown[]): Row[] {
    // pg builds a row from the selected columns. These are the names in `columns`, which the compiler has compared with Row.
    return rows as Row[]
  }

  private async keys(): Promise<readonly Uint8Array[]> {
    if (this.cursorKeys === undefined) throw noCursorKey()
    return this.cursorKeys()
  }
}

function placeColumns(terms: readonly OrderTerm[]): string {
  return terms.map(({ column }, index) => `${quote(column)}::text as ${ORDER_ALIAS}${index}`).join(', ')
}

/** Removes the helper columns from a row and returns them as the cursor's values. */
function takePlace(row: object, length: number): (string | null)[] {
  return Array.from({ length }, (_, index) => {
    const name = `${ORDER_ALIAS}${index}`
    const value: unknown = Reflect.get(row, name)
    Reflect.deleteProperty(row, name)
    return typeof value === 'string' ? value : null
  })
}

function missing(): NotFoundError {
  return new NotFoundError('There is no such row.')
}

function noCursorKey(): ConfigurationError {
  return new ConfigurationError(
    'This repository has no key for cursors: make it with wall.repository(), or give it cursorKeys.',
  )
}
