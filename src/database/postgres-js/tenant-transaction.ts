import { randomBytes } from 'node:crypto'
import { type ContextFrame, isTenantFrame } from '../../context/frame.ts'
import { tenantStore } from '../../context/store.ts'
import { ConfigurationError, TenantContextMissingError } from '../../errors.ts'
import { IdentityReader } from '../connection/session/context-identity.ts'
import { contextStatement } from '../connection/session/context-statement.ts'
import { isolationError, refuseFrame, refuseStatement } from '../connection/session/refusals.ts'
import type { TenantPool } from '../pool/create-tenant-pool.ts'
import { WalledPool } from '../pool/walled-pool.ts'
import type { WallSettings } from '../settings/wall-settings.ts'
import { statementKind } from '../statement/statement-kind.ts'
import { guardSql } from './guarded-sql.ts'
import type { JsTransaction, PostgresJs } from './shapes.ts'

/** Options of `tenantTransaction`. */
export interface JsTransactionOptions {
  /** Default `read committed`. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable' | undefined
  readonly readOnly?: boolean | undefined
}

/** Runs a transaction of postgres.js for the tenant of the context; see `wall.tenantTransaction`. */
export type TenantTransactionOfJs = <Transaction extends JsTransaction, T>(
  sql: PostgresJs<Transaction>,
  fn: (sql: Transaction) => Promise<T>,
  options?: JsTransactionOptions,
) => Promise<T>

/** Validity of a seal, and the age at which it is renewed, in seconds. The pool uses the same values. */
const SEAL_SECONDS = 60
const RENEW_AFTER_SECONDS = 30

const CLEAN_UP = 'reset all'
const SEQUENCES = 'discard sequences'
const PLACE = `select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_database() as database,
  (select r.rolsuper or r.rolbypassrls from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) session_user) as unbound`

/**
 * Makes `tenantTransaction` with the settings of a pool. `wall.tenantTransaction` is made with the settings of `wall.pool`.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a pool that `createTenantPool` did not make
 */
export function createTenantTransaction(pool: TenantPool, now: () => number = Date.now): TenantTransactionOfJs {
  if (!(pool instanceof WalledPool))
    throw new ConfigurationError('createTenantTransaction(pool): pool must be a pool of createTenantPool().')
  const { settings } = pool
  const identities = new IdentityReader(settings)
  return async <Transaction extends JsTransaction, T>(
    sql: PostgresJs<Transaction>,
    fn: (sql: Transaction) => Promise<T>,
    { isolation = 'read committed', readOnly = false }: JsTransactionOptions = {},
  ): Promise<T> => {
    const frame = tenantStore.getStore()
    const refusal = refuseFrame(frame, settings)
    if (refusal !== undefined) throw refusal
    if (frame === undefined || !isTenantFrame(frame))
      throw new TenantContextMissingError('tenantTransaction() needs a tenant context. Call it inside runWithTenant().')
    await settings.seal?.load()
    // Both modes are named, because an earlier tenant may have left other defaults on the session.
    const modes = `isolation level ${isolation} ${readOnly ? 'read only' : 'read write'}`
    let result: T | undefined
    await sql.begin(modes, async (transaction) => {
      const seal = await openContext(transaction, { frame, settings, identities, now })
      const { guarded, end } = guardSql(transaction, {
        here: () => refuseHere(frame, settings),
        text: (text) => refuseText(text, settings),
        context: seal.renew,
      })
      try {
        result = await fn(guarded)
      } finally {
        end()
      }
    })
    // fn has run: begin() rejects otherwise.
    return result as T
  }
}

interface ContextParts {
  readonly frame: ContextFrame
  readonly settings: WallSettings
  readonly identities: IdentityReader
  readonly now: () => number
}

/** Cleans the session and sets the tenant, sealed, for the transaction. */
async function openContext(transaction: JsTransaction, parts: ContextParts) {
  const { frame, settings, identities, now } = parts
  // Statements without a name: under a name, a tenant could have prepared another statement.
  const ask = (text: string, values: unknown[] = []) =>
    transaction.unsafe(text, values, { prepare: false, simple: false })
  const [, , rows] = await Promise.all([ask(CLEAN_UP), ask(SEQUENCES), ask(PLACE)])
  const { pid, database, unbound } = rows[0] ?? {}
  if (typeof pid !== 'number' || typeof database !== 'string')
    throw new ConfigurationError('tenantTransaction(): the connection did not tell its backend.')
  if (unbound !== false)
    throw new ConfigurationError(
      'tenantTransaction(): the role of this connection passes row-level security (superuser or BYPASSRLS). Connect postgres.js as the application’s login role.',
    )
  const identity = identities.of(frame)
  const place = { database, backendPid: settings.pooler ? undefined : pid }
  let sealedAt = 0
  const set = async () => {
    sealedAt = now()
    const notAfter = Math.floor(sealedAt / 1_000) + SEAL_SECONDS
    const seal = settings.seal?.maker.seal(identity, place, notAfter) ?? ''
    const text = contextStatement(identity.readOnly ? 'full-switch-read-only' : 'full-switch', settings)
    await ask(text, [identity.tenantId, seal, identity.role, randomSeed()])
  }
  await set()
  return { renew: () => (now() - sealedAt < RENEW_AFTER_SECONDS * 1_000 ? undefined : set()) }
}

/** A new seed for `random()`, from -1 to 1. */
function randomSeed(): number {
  return randomBytes(4).readUInt32BE() / 0x8000_0000 - 1
}

/** Throws if the running code has the context of another tenant or none, or if its work must stop. */
function refuseHere(opened: ContextFrame, settings: WallSettings): void {
  const frame = tenantStore.getStore()
  const refusal = refuseFrame(frame, settings)
  if (refusal !== undefined) throw refusal
  if (frame !== undefined && frame.tenantId !== opened.tenantId)
    throw isolationError(
      frame,
      opened.tenantId,
      settings,
      'A transaction of one tenant was used in the context of another.',
    )
}

/** Throws for statements that the pool refuses, and for transaction control, which only postgres.js itself may send. */
function refuseText(text: string, settings: WallSettings): void {
  const kind = statementKind(text)
  const refusal = refuseStatement(TRANSACTION_CONTROL.has(kind) ? 'other' : kind, text, settings)
  if (refusal !== undefined) throw refusal
}

const TRANSACTION_CONTROL: ReadonlySet<string> = new Set([
  'begin',
  'commit',
  'rollback',
  'rollback-to',
  'savepoint',
  'release',
])
