import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import pg from 'pg'
import { ConfigurationError } from '../../errors.ts'

/**
 * The parts of `pg` that partywall relies on and `@types/pg` does not describe. Their names are the same from pg 8.0 to 8.23, and
 * pg-cursor depends on them too. `assertPgShape` checks them when a pool is made, so that an unsuitable pg fails at start.
 */
export interface PgConnection extends EventEmitter {
  readonly stream: Duplex & { cork(): void; uncork(): void }
  parsedStatements: Record<string, string>
  /** Since pg 8.23. */
  submittedNamedStatements?: Record<string, string>
  /** Hands the stream's bytes to the parser. */
  attachListeners(stream: Duplex): void
  parse(message: { readonly name?: string; readonly text: string; readonly types?: readonly number[] }): void
  bind(message: object): void
  execute(message: object): void
  describe(message: { readonly type: 'P' | 'S'; readonly name: string }): void
  close(message: { readonly type: 'P' | 'S'; readonly name: string }): void
  query(text: string): void
  sync(): void
  cancel(processId: number, secretKey: number): void
  requestSsl(): void
  connect(port: number, host?: string): void
  connect(path: string): void
  end(): void
}

/** A column of an answer. */
export interface PgField {
  readonly name: string
  readonly dataTypeID: number
  readonly format?: string
}

export interface PgResult {
  command: string | null
  rowCount: number | null
  rows: unknown[]
  fields: readonly PgField[]
  _types?: { getTypeParser(type: number, format: string): unknown } | null
  _parsers?: readonly unknown[]
  _prebuiltEmptyResultObject: object | null
  addFields(fields: readonly unknown[]): void
  addRow(row: unknown): void
  addCommandComplete(message: PgCommandComplete): void
  parseRow(fields: readonly unknown[]): unknown
}

export interface PgCommandComplete {
  readonly text: string
}

/** An error of the server, or of pg itself. */
interface PgError extends Error {
  readonly severity?: string | undefined
  readonly code?: string | undefined
}

/** The methods that a `pg.Client` calls on a query object. */
export interface PgSubmittable {
  readonly text?: unknown
  name?: string | undefined
  callback?: ((error: Error | null | undefined, result?: unknown) => void) | undefined
  _result?: PgResult | undefined
  submit(connection: PgConnection): Error | null | undefined
  handleRowDescription(message: { readonly fields: readonly PgField[] }): void
  handleDataRow(message: { readonly fields: readonly unknown[]; readonly length: number }): void
  handleCommandComplete(message: PgCommandComplete, connection: PgConnection): void
  handleReadyForQuery(connection: PgConnection): void
  handleError(error: Error, connection: PgConnection): void
  handleEmptyQuery(connection: PgConnection): void
  handlePortalSuspended?(connection: PgConnection): void
  handleCopyInResponse?(connection: PgConnection): void
  handleCopyData?(message: unknown, connection: PgConnection): void
}

/** The members of `pg.Query` that partywall uses. */
export interface PgQuery extends PgSubmittable, EventEmitter {
  text: string
  values: unknown
  rows: number | undefined
  binary: unknown
  /** '' for the unnamed portal. */
  portal: string
  types: unknown
  _rowMode: unknown
  queryMode: string | undefined
  _result: PgResult
  _results: PgResult | PgResult[]
  _canceledDueToError: Error | false
  _accumulateRows: unknown
  prepare(connection: PgConnection): void
  requiresPreparation(): boolean
}

export interface PgConnectionParameters {
  readonly host: string
  readonly port: number
  readonly ssl: unknown
  query_timeout?: unknown
  /** Start-up options in the form of `PGOPTIONS`; undefined or '' if there are none. */
  options?: string | undefined
  statement_timeout?: unknown
  lock_timeout?: unknown
  idle_in_transaction_session_timeout?: unknown
}

export interface PgClientInternals {
  readonly connection: PgConnection
  readonly processID: number | null
  readonly secretKey: number | null
  readonly connectionParameters: PgConnectionParameters
  /** The password, or a function that returns it when a connection is made. */
  password?: unknown
  /** Queries that wait for the running query. */
  readonly _queryQueue?: unknown
  readonly _queryable: boolean
  readonly _ending: boolean
}

interface QueryConstructor {
  new (config: unknown, values?: unknown, callback?: unknown): PgQuery
  readonly prototype: PgQuery
}

/** `pg.Query` with its real type. `assertPgShape` checks that pg has the members that this type declares. */
export const PgQueryBase = pg.Query as unknown as QueryConstructor

interface ResultConstructor {
  new (rowMode: unknown, types: unknown): PgResult
}

export const PgResultClass = pg.Result as unknown as ResultConstructor

interface ConnectionConstructor {
  new (config: object): PgConnection
}

export const PgConnectionClass = pg.Connection as unknown as ConnectionConstructor

const QUERY_METHODS = [
  'submit',
  'prepare',
  'requiresPreparation',
  'handleRowDescription',
  'handleDataRow',
  'handleCommandComplete',
  'handleReadyForQuery',
  'handleError',
] as const

/**
 * Refuses a `pg` that can't carry the tenant's context.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for pg-native and for a pg older than 8.21
 */
export function assertPgShape(): void {
  const query: object | undefined = pg.Query?.prototype
  const complete = query !== undefined && QUERY_METHODS.every((name) => typeof Reflect.get(query, name) === 'function')
  if (!complete) {
    throw new ConfigurationError(
      'partywall can’t work with this pg: it is pg-native (unset NODE_PG_FORCE_NATIVE, use require("pg")), or not a pg of 8.21 to 8.x.',
    )
  }
  if (typeof Reflect.get(pg.Client.prototype, 'getTransactionStatus') !== 'function') {
    throw new ConfigurationError('partywall needs pg 8.21 or later: client.getTransactionStatus() is missing.')
  }
}

/** A client with its members that `@types/pg` does not describe. */
export function internalsOfClient(client: pg.ClientBase): PgClientInternals {
  // The constructor of TenantClient refuses a client without a JavaScript connection (pg-native).
  return client as unknown as PgClientInternals
}

/** True for errors that the server sent (also through a second copy of pg-protocol); false for what pg makes itself. */
export function isServerError(error: Error): error is PgError & { severity: string; code: string } {
  return 'severity' in error && typeof error.severity === 'string' && 'code' in error && typeof error.code === 'string'
}

/** Whether the session has ended, or can't be trusted, after this error. */
export function endsSession(error: Error): boolean {
  if (!isServerError(error)) return true
  return error.severity === 'FATAL' || error.severity === 'PANIC' || /^(?:08|57P0[1-3])/.test(error.code)
}
