import { outsideOfTenants } from '../../../context/store.ts'
import { DiscardQuery } from '../../wire/discard-query.ts'
import type { PgSubmittable } from '../../wire/pg-internals.ts'
import { mayPrepare } from '../prepared/may-prepare.ts'
import type { ConnectionGuard } from './connection-guard.ts'
import { ContextBytes } from './context-bytes.ts'
import { sessionFronts } from './session-fronts.ts'
import {
  type PreparedText,
  resetStatements,
  restoreStatements,
  SESSION_SETTINGS_TEXT,
  type SessionSetting,
} from './session-reset.ts'
import { AS_TEXT, contextStatements, readSetupFacts, type SetupFacts, SetupQuery } from './setup-query.ts'

/** The parts of a connection that SessionCare needs. */
export interface SessionHost {
  readonly guard: ConnectionGuard
  readonly backendPid: number | undefined
  send(query: PgSubmittable | SetupQuery): void
  /** Runs one of partywall's own statements through pg itself, without partywall's checks. */
  askPg(config: object, callback: (error: Error | undefined, result: { rows: unknown[] }) => void): void
}

/** Prepares a session for tenants: once after it was opened, and again after each DISCARD ALL. */
export class SessionCare {
  readonly #host: SessionHost
  /** Statements that set the settings of `onConnect` again, after a clean-up has reset them. */
  #restores: readonly PreparedText[] = []
  /** How often the settings were read. The statements that restore them get new names each time. */
  #remembered = 0

  constructor(host: SessionHost) {
    this.#host = host
  }

  async setUp(): Promise<void> {
    const { guard } = this.#host
    const { settings } = guard
    await outsideOfTenants(() => settings.seal?.load())
    const statements = [...resetStatements(settings), ...contextStatements(settings, 'identity')]
    const { database, startupInForce, takesTickets, start, freezesValues } = await this.#prepare(statements)
    guard.mayPrepare = mayPrepare(settings, freezesValues)
    guard.prefix.startupIgnored = !startupInForce
    if (!settings.pooler) guard.prefix.fronts = sessionFronts(start, [], settings.shared)
    // If our statements have no names (pooler, shared connection), contextStatements() returns none, and no second round trip follows.
    const full = startupInForce ? [] : contextStatements(settings, 'full')
    if (full.length > 0) await this.#prepare(full)
    guard.prefix.bytes = new ContextBytes(settings, { database, backendPid: this.#host.backendPid, takesTickets })
    guard.opened()
  }

  /** Reads the settings that onConnect made, so that they can be restored after each clean-up. */
  async remember(): Promise<void> {
    const { guard } = this.#host
    guard.freeStatements = 0
    const rows = await new Promise<SessionSetting[]>((resolve, reject) => {
      this.#host.askPg({ text: SESSION_SETTINGS_TEXT, types: AS_TEXT }, (error, result) => {
        if (error) reject(error)
        else resolve(result.rows.filter(isSessionSetting))
      })
    })
    this.#restores = restoreStatements(rows, ++this.#remembered)
    await this.#restoreAlways()
    guard.watchParameters(true)
  }

  /** Runs DISCARD ALL, and prepares the session for the next tenant. */
  async discardAll(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#host.send(new DiscardQuery((error) => (error ? reject(error) : resolve())))
    })
    await this.setUp()
    await this.#restoreAlways()
    this.#host.guard.cleaned()
  }

  async #restoreAlways(): Promise<void> {
    const { guard } = this.#host
    const statements = this.#restores
    if (statements.length === 0 || guard.settings.pooler) return
    const { start } = await this.#prepare(statements)
    guard.prefix.fronts = sessionFronts(start, statements, guard.settings.shared)
  }

  #prepare(statements: readonly PreparedText[]): Promise<SetupFacts> {
    return new Promise((resolve, reject) => {
      const ready = (error: Error | null, row: unknown) => {
        try {
          if (error !== null) throw error
          resolve(readSetupFacts(row))
        } catch (problem) {
          reject(problem)
        }
      }
      this.#host.send(new SetupQuery(this.#host.guard.settings, statements, ready))
    })
  }
}

function isSessionSetting(row: unknown): row is SessionSetting {
  return row !== null && typeof row === 'object' && 'name' in row && 'setting' in row
}
