import { EventEmitter } from 'node:events'
import { type Readable, Transform } from 'node:stream'
import pg from 'pg'
import { runWithoutTenant } from '../../context/run-with-tenant.ts'
import { ConfigurationError } from '../../errors.ts'
import { type SlonikErrors, slonikError } from './slonik-errors.ts'

/** Parts of Slonik and its companions that the driver can't make itself. */
export interface SlonikParts {
  /** The module `slonik`. With it, errors of the database are Slonik's own classes, such as `UniqueIntegrityConstraintViolationError`. */
  readonly errors?: SlonikErrors | undefined
  /** The class of the package `pg-query-stream`, for `stream()`. */
  readonly QueryStream?: (new (text: string, values?: unknown[]) => pg.Submittable & Readable) | undefined
}

interface TypeParser {
  readonly name: string
  readonly parse: (value: string) => unknown
}

interface DriverQuestion {
  readonly driverConfiguration: { readonly typeParsers: readonly TypeParser[] }
}

interface Field {
  readonly dataTypeId: number
  readonly name: string
}

interface QueryResult {
  /** Slonik's type has these five commands. Other commands, such as BEGIN, arrive here too, but Slonik does not read them. */
  readonly command: 'COPY' | 'DELETE' | 'INSERT' | 'SELECT' | 'UPDATE'
  readonly fields: Field[]
  readonly rowCount: number | null
  readonly rows: Record<string, unknown>[]
}

/** The shape of Slonik's `DriverFactory`. */
export type SlonikDriverFactory = (question: DriverQuestion) => Promise<{ createClient(): Promise<SlonikClient> }>

type State = 'ACQUIRED' | 'DESTROYED' | 'IDLE'

let made = 0

/**
 * A driver for Slonik. Its clients take a connection of `pool` for the time in which Slonik uses them, so Slonik’s own pool holds no
 * connection, and the limits per tenant apply.
 */
export function slonikDriverOn(pool: pg.Pool, parts: SlonikParts): SlonikDriverFactory {
  return async ({ driverConfiguration: { typeParsers } }) => {
    let types: Promise<pg.CustomTypesConfig> | undefined
    const readTypes = async () => {
      types ??= typesOf(pool, typeParsers)
      types.catch(() => {
        types = undefined
      })
      return types
    }
    return { createClient: async () => new SlonikClient(pool, parts, readTypes) }
  }
}

/** Slonik's parsers have the names of types, and pg needs the OIDs. */
async function typesOf(pool: pg.Pool, parsers: readonly TypeParser[]): Promise<pg.CustomTypesConfig> {
  const { rows } = await runWithoutTenant(() =>
    pool.query<{ oid: number; typarray: number; typname: string }>(
      'select oid, typarray, typname from pg_catalog.pg_type where typname = any($1::text[])',
      [parsers.map(({ name }) => name)],
    ),
  )
  const byOid = new Map<number, (value: string) => unknown>()
  for (const { name, parse } of parsers) {
    const type = rows.find(({ typname }) => typname === name)
    if (type === undefined)
      throw new ConfigurationError(`Slonik has a parser for the type ${name}, which the database does not have.`)
    byOid.set(type.oid, parse)
    if (type.typarray !== 0) {
      // pg's own parser of text[] reads the elements as text.
      const elements = parserOf(TEXT_ARRAY_OID, 'text')
      byOid.set(type.typarray, (value) => eachElement(elements(value), parse))
    }
  }
  return {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      (format === 'binary' ? undefined : byOid.get(oid)) ?? parserOf(oid, format),
  }
}

const TEXT_ARRAY_OID = 1009

/** pg's parser of a type, also of types that its own declarations don't list. */
function parserOf(oid: number, format: 'text' | 'binary' = 'text'): (value: string) => unknown {
  const parser: unknown = Reflect.apply(pg.types.getTypeParser, pg.types, [oid, format])
  return typeof parser === 'function' ? (value) => Reflect.apply(parser, undefined, [value]) : (value) => value
}

function eachElement(value: unknown, parse: (value: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((inner: unknown) => eachElement(inner, parse))
  return typeof value === 'string' ? parse(value) : value
}

/** One client in Slonik's pool: idle, or in use with a connection of the tenant pool. */
export class SlonikClient {
  readonly #events = new EventEmitter()
  readonly #pool: pg.Pool
  readonly #parts: SlonikParts
  readonly #types: () => Promise<pg.CustomTypesConfig>
  readonly #id = `partywall-${++made}`
  #state: State = 'IDLE'
  #lease: Promise<pg.PoolClient> | undefined

  constructor(pool: pg.Pool, parts: SlonikParts, types: () => Promise<pg.CustomTypesConfig>) {
    this.#pool = pool
    this.#parts = parts
    this.#types = types
    // Slonik copies the properties of a client, so the methods must be own properties.
    for (const name of [
      'acquire',
      'destroy',
      'id',
      'on',
      'off',
      'query',
      'release',
      'removeListener',
      'state',
      'stream',
    ] as const)
      Object.defineProperty(this, name, { value: this[name].bind(this), enumerable: true })
    this.#events.on('error', () => {}) // the query in flight reports the error
  }

  acquire(): void {
    if (this.#state !== 'IDLE') throw new Error(`Client is ${this.#state}.`)
    this.#state = 'ACQUIRED'
    this.#events.emit('acquire')
  }

  async query(text: string, values: unknown[] = []): Promise<QueryResult> {
    try {
      // Read the types first: this takes a connection of the pool, and this client must not hold the last connection meanwhile.
      const types = await this.#types()
      const client = await this.#connection()
      const { command, fields, rowCount, rows } = await client.query({ text, values, types })
      return { command: command as QueryResult['command'], fields: fields.map(asField), rowCount, rows }
    } catch (error) {
      throw slonikError(error, this.#parts.errors, { sql: text, values })
    }
  }

  stream(text: string, values: unknown[] = []): Readable {
    const { QueryStream, errors } = this.#parts
    if (QueryStream === undefined)
      throw new ConfigurationError(
        'wall.drivers.slonik(): stream() needs the class of pg-query-stream. Give wall.drivers.slonik({ QueryStream }).',
      )
    let fields: readonly Field[] = []
    const rows = new Transform({
      objectMode: true,
      transform: (row: unknown, _encoding, callback) => callback(null, { data: row, row, fields }),
    })
    const fail = (error: unknown) => rows.destroy(slonikError(error, errors, { sql: text, values }))
    this.#connection().then((client) => {
      const source = client.query(new QueryStream(text, values))
      source.on('error', fail)
      rows.on('close', () => source.destroy())
      source.once('fields', (columns: pg.FieldDef[]) => {
        fields = columns.map(asField)
      })
      source.pipe(rows)
    }, fail)
    return rows
  }

  async release(): Promise<void> {
    await this.#giveBack()
    this.#state = 'IDLE'
    this.#events.emit('release')
  }

  async destroy(): Promise<void> {
    if (this.#state === 'DESTROYED') return
    this.#state = 'DESTROYED'
    this.#events.emit('destroy')
    await this.#giveBack()
  }

  id(): string {
    return this.#id
  }

  state(): State {
    return this.#state
  }

  /** As `EventEmitter#on`. The return type `never` is assignable to Slonik's declaration. */
  on(event: string | symbol, listener: (...values: never[]) => void): never {
    return Reflect.apply(this.#events.on, this.#events, [event, listener]) as never
  }

  off(event: string | symbol, listener: (...values: never[]) => void): never {
    return Reflect.apply(this.#events.off, this.#events, [event, listener]) as never
  }

  removeListener(event: string | symbol, listener: (...values: never[]) => void): never {
    return Reflect.apply(this.#events.off, this.#events, [event, listener]) as never
  }

  #connection(): Promise<pg.PoolClient> {
    if (this.#state !== 'ACQUIRED') return Promise.reject(new Error(`Client is ${this.#state}.`))
    this.#lease ??= this.#pool.connect()
    return this.#lease
  }

  /**
   * Slonik destroys a client after every error. The pool decides this itself: it closes a connection whose state is in doubt, and keeps any
   * other.
   */
  async #giveBack(): Promise<void> {
    const lease = this.#lease
    this.#lease = undefined
    // A lease that was refused holds no connection.
    const client = await lease?.catch(() => undefined)
    client?.release()
  }
}

function asField({ dataTypeID, name }: pg.FieldDef): Field {
  return { dataTypeId: dataTypeID, name }
}
