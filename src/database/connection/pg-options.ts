import pg from 'pg'
import { outsideOfTenants } from '../../context/store.ts'
import { ConfigurationError } from '../../errors.ts'
import type { WallSettings } from '../settings/wall-settings.ts'
import { internalsOfClient, type PgClientInternals, type PgConnectionParameters } from '../wire/pg-internals.ts'
import { startupOptions } from './session/session-reset.ts'

/** The options of partywall that pg also has, with the names that pg gives them. */
const TWINS = {
  statementTimeoutMs: 'statement_timeout',
  lockTimeoutMs: 'lock_timeout',
  idleInTransactionTimeoutMs: 'idle_in_transaction_session_timeout',
} as const

type TimeOut = keyof typeof TWINS

/** For each setting that start-up options must not change: the option of partywall to use instead. */
const OWN_SETTINGS: Readonly<Record<string, string>> = {
  search_path: 'searchPath',
  statement_timeout: 'statementTimeoutMs',
  lock_timeout: 'lockTimeoutMs',
  idle_in_transaction_session_timeout: 'idleInTransactionTimeoutMs',
  role: 'roles',
  session_authorization: 'roles',
  'app.tenant_seal': 'seal',
}

/**
 * Fills in the wall's time-out options that were left out, from pg's `statement_timeout`, `lock_timeout` and
 * `idle_in_transaction_session_timeout`. pg's values may come from its options, the connection string or the environment.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the two names have different values, or a value is not whole milliseconds
 */
export function timeOutsOf(options: pg.PoolConfig & { readonly [name in TimeOut]?: number | undefined }): {
  readonly [name in TimeOut]?: number
} {
  const parameters = parametersOf(options)
  const found: { [name in TimeOut]?: number } = {}
  for (const [own, twin] of Object.entries(TWINS) as [TimeOut, (typeof TWINS)[TimeOut]][]) {
    const theirs = milliseconds(twin, options[twin] === 0 ? 0 : parameters?.[twin])
    const ours = options[own]
    if (theirs === undefined) continue
    if (ours !== undefined && ours !== theirs) {
      throw new ConfigurationError(
        `createTenantPool(options): ${own} and pg's ${twin} have different values (${ours} and ${theirs}); give only one of them.`,
      )
    }
    found[own] = theirs
  }
  return found
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if start-up options change a setting that the wall sets itself */
export function refuseOwnSettings(options: pg.PoolConfig, settingName: string): void {
  const given = parametersOf(options)?.options
  if (typeof given !== 'string') return
  for (const name of settingsIn(given)) {
    const cure = name === settingName ? 'runWithTenant()' : OWN_SETTINGS[name]
    if (cure === undefined) continue
    throw new ConfigurationError(
      `createTenantPool(options): options (or PGOPTIONS) sets ${name}, which partywall sets with every statement. Use ${cure} instead.`,
    )
  }
}

/**
 * Prepares the parameters of one connection. search_path and timeouts become start-up options, which RESET ALL restores. pg's own timeout
 * parameters are removed, because pg would send them too.
 *
 * @returns the time limit for an answer in milliseconds (pg's `query_timeout`); 0 for no limit
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if a library gave this client time-outs that differ from the pool's
 */
export function prepareParameters(inside: PgClientInternals & { password?: unknown }, settings: WallSettings): number {
  const parameters = inside.connectionParameters
  const others: string[] = []
  for (const [own, twin] of Object.entries(TWINS) as [TimeOut, (typeof TWINS)[TimeOut]][]) {
    const theirs = milliseconds(twin, parameters[twin])
    if (theirs !== undefined && theirs !== settings[own]) others.push(`${own}: ${theirs}`)
    parameters[twin] = undefined
  }
  if (others.length > 0) {
    throw new ConfigurationError(
      `A library made a client whose time-outs differ from those of its pool. Give the pool the same time-outs, createTenantPool({ ${others.join(', ')} }), or set the pool's time-outs in the library.`,
    )
  }
  if (!settings.pooler) parameters.options = startupOptions(settings, parameters.options)
  const { password } = inside
  // All tenants share the connections, so the password function must not run in the context of the tenant whose statement opens a
  // connection.
  if (isPasswordFunction(password))
    inside.password = (...given: unknown[]) => outsideOfTenants(() => password(...given))
  // Turn pg's query_timeout off: it would keep the connection alive while the statement still runs.
  const { query_timeout: timeout } = parameters
  parameters.query_timeout = false
  return milliseconds('query_timeout', timeout) ?? 0
}

/** Merges options, connection string and environment as pg does. Opens no connection. */
function parametersOf(options: pg.PoolConfig): PgConnectionParameters | undefined {
  try {
    return internalsOfClient(new pg.Client(options)).connectionParameters
  } catch {
    // pg can't read this connection string. The caller gets pg's error when pg connects, as without partywall.
    return undefined
  }
}

/** pg accepts numbers, and digits from connection strings. `false` and a missing value mean no limit. */
function milliseconds(option: string, value: unknown): number | undefined {
  if (value === undefined || value === null || value === false || value === '') return undefined
  const read = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof read === 'number' && Number.isInteger(read) && read >= 0 && read <= 2_147_483_647) return read
  throw new ConfigurationError(`createTenantPool(options): ${option} must be whole milliseconds.`)
}

/** The names of the settings in `-c name=value` and `--name=value`, as PostgreSQL splits them. */
function settingsIn(text: string): readonly string[] {
  const names: string[] = []
  let follows = false
  for (const part of wordsOf(text)) {
    const setting = follows ? part : part.startsWith('--') || part.startsWith('-c') ? part.slice(2) : undefined
    follows = part === '-c' && !follows
    const end = setting?.indexOf('=') ?? -1
    if (setting !== undefined && end > 0) names.push(setting.slice(0, end).toLowerCase().replaceAll('-', '_'))
  }
  return names
}

/** Splits start-up options at white space. A backslash escapes the character after it. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = []
  let word = ''
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '\\') word += text.charAt(++at)
    else if (!/\s/.test(char)) word += char
    else if (word !== '') {
      words.push(word)
      word = ''
    }
  }
  return word === '' ? words : [...words, word]
}

function isPasswordFunction(password: unknown): password is (...given: unknown[]) => unknown {
  return typeof password === 'function'
}
