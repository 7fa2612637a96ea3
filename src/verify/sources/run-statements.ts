import pg from 'pg'
import type { FileSessions } from './file-sessions.ts'
import { fillVariables, placeholderHint } from './placeholders.ts'
import { type MigrationFile, unreadable } from './read-migrations.ts'
import { addRole, createdElsewhere, createdRole, lostRace, SAVEPOINT } from './roles-of-files.ts'
import type { Statement } from './split-statements.ts'
import { standInFor } from './stand-ins.ts'

interface RunOptions {
  /** Superuser URL of the throw-away database. */
  readonly url: string
  /** Sessions on that database. */
  readonly sessions: FileSessions
  /** Roles that the server had before. CREATE ROLE for one of them is skipped. */
  readonly knownRoles: ReadonlySet<string>
  /** Roles that earlier files of this run created. */
  readonly rolesMade: ReadonlySet<string>
  readonly signal?: AbortSignal | undefined
  /** Extensions that earlier files asked for and that are not available. */
  readonly extensionsMissing?: ReadonlySet<string>
}

/** The results of running one file, besides the objects that it created. */
interface RunResult {
  /** Roles that the file mentions, that did not exist, and that were therefore created. */
  readonly rolesAdded: readonly string[]
  /** Roles that the file's own statements created. */
  readonly rolesCreated: readonly string[]
  /** Extensions that the file asks for and that the server does not have. The statement was left out. */
  readonly extensionsMissing: readonly string[]
  /** Extensions that were replaced by a stand-in, with a description of it. */
  readonly standIns: ReadonlyMap<string, string>
  /** Number of indexes that were left out because they need an access method or operator class of a missing extension. */
  readonly indexesLeftOut: number
  /** Placeholders that were filled. */
  readonly filled: ReadonlySet<string>
}

/** The server's message quotes the name without doubling the quotes in it. */
const missingRole = /^role "(.+)" does not exist$/s
const missingExtension = /^extension "(.+)" is not available$/s
/** Statements of transaction control, around which no savepoint can be used. */
const transactionControl =
  /^(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare transaction|set transaction)\b/

/**
 * Runs one file in a session of its own, statement by statement like psql. So the file's own BEGIN and COMMIT work, and so do statements
 * that can't run in a transaction, such as CREATE INDEX CONCURRENTLY.
 *
 * If the file mentions a role that does not exist, the role is created (NOLOGIN) and the statement runs again.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with file and line of the statement that the server refused
 */
export async function runFile(file: MigrationFile, options: RunOptions): Promise<RunResult> {
  const client = await options.sessions.open()
  const rolesAdded = new Set<string>()
  const rolesCreated = new Set<string>()
  const found: Found = {
    rolesAdded,
    rolesMade: new Set(options.rolesMade),
    extensionsMissing: new Set(options.extensionsMissing),
    standIns: new Map(),
    indexes: { leftOut: 0 },
    filled: new Set(),
    extensionsMade: new Set(),
    database: '',
  }
  let opened: Statement | undefined
  try {
    // Error messages are matched below, so they must be in English, also on an external server.
    await client.query("set lc_messages = 'C'; set client_min_messages = error")
    const { rows } = await client.query<{ name: string }>('select current_database()::text as name')
    found.database = rows[0]?.name ?? ''
    for (const statement of file.statements) {
      options.signal?.throwIfAborted()
      const role = createdRole(statement)
      if (role !== undefined && options.knownRoles.has(role)) continue
      await runStatement(client, file, statement, found, options)
      if (role !== undefined) {
        rolesCreated.add(role)
        found.rolesMade.add(role)
      }
      if (client.getTransactionStatus() === 'I') opened = undefined
      else opened ??= statement
    }
    if (opened !== undefined) {
      throw unreadable(
        file.name,
        opened.line,
        'the transaction that begins here is not committed, so nothing of it stays',
      )
    }
    return {
      rolesAdded: [...rolesAdded],
      rolesCreated: [...rolesCreated],
      extensionsMissing: [...found.extensionsMissing],
      standIns: found.standIns,
      indexesLeftOut: found.indexes.leftOut,
      filled: found.filled,
    }
  } finally {
    await options.sessions.close(client, file.statements)
  }
}

/** State that is collected while one file runs. */
interface Found {
  readonly rolesAdded: Set<string>
  /** Roles that the statements of this run created. */
  readonly rolesMade: Set<string>
  readonly extensionsMissing: Set<string>
  readonly standIns: Map<string, string>
  readonly indexes: { leftOut: number }
  readonly filled: Set<string>
  /** Extensions that the files use without creating them, and that were created for them. */
  readonly extensionsMade: Set<string>
  database: string
}

/**
 * Creates a stand-in for an extension, so that the schema can be built. If there is no stand-in for the extension, the extension is noted
 * as missing.
 */
async function standIn(client: pg.Client, statement: Statement, extension: string, found: Found): Promise<void> {
  const stands = standInFor(extension, statement.text)
  if (stands === undefined) {
    found.extensionsMissing.add(extension)
    return
  }
  const inside = client.getTransactionStatus() === 'T'
  if (inside) await client.query(`savepoint ${SAVEPOINT}`)
  try {
    if (stands.sql !== '') await client.query(stands.sql)
    found.standIns.set(extension, stands.says)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    if (inside) await client.query(`rollback to savepoint ${SAVEPOINT}`)
    // duplicate_object, duplicate_table, duplicate_function: an earlier file created the stand-in already.
    if (error.code !== '42710' && error.code !== '42P07' && error.code !== '42723')
      found.extensionsMissing.add(extension)
  }
  if (inside) await client.query(`release savepoint ${SAVEPOINT}`)
}

/**
 * The text to run instead of a refused statement, such as one with filled placeholders. `text: undefined` skips the statement. Undefined if
 * nothing can be done.
 */
function instead(
  statement: Statement,
  error: unknown,
  found: Found,
): { readonly text: string | undefined; readonly again?: true } | undefined {
  if (!(error instanceof pg.DatabaseError)) return undefined
  const own = usualExtension(error)
  if (own !== undefined && !found.extensionsMade.has(own)) {
    found.extensionsMade.add(own)
    return { text: `create extension if not exists "${own}"`, again: true }
  }
  // The index needs an access method or operator class that a stand-in does not have. Leave it out: indexes do not affect isolation.
  if (/^create (unique )?index/.test(statement.head) && error.code === '42704') {
    found.indexes.leftOut += 1
    return { text: undefined }
  }
  if (error.code !== '42601') return undefined
  const filled = fillVariables(statement, found.database)
  if (filled === undefined) return undefined
  for (const name of filled.filled) found.filled.add(name)
  return { text: filled.text }
}

/** Extensions that projects often create before the migrations, each with the error message that shows that it is missing. */
const USUAL: readonly (readonly [RegExp, string])[] = [
  [/type "citext" does not exist/, 'citext'],
  [/type "hstore" does not exist/, 'hstore'],
  [/type "ltree" does not exist/, 'ltree'],
  [/function (\w+\.)?uuid_generate_v\d\w*\(/, 'uuid-ossp'],
  [/function (\w+\.)?(gen_random_bytes|crypt|gen_salt|hmac|digest|pgp_sym_encrypt)\(/, 'pgcrypto'],
  [/function (\w+\.)?(similarity|word_similarity)\(|operator class "gi[ns]t?_trgm_ops"/, 'pg_trgm'],
  [/function (\w+\.)?unaccent\(/, 'unaccent'],
]

function usualExtension({ code, message }: pg.DatabaseError): string | undefined {
  if (code !== '42704' && code !== '42883') return undefined
  return USUAL.find(([pattern]) => pattern.test(message))?.[1]
}

function hintFor(statement: Statement, error: pg.DatabaseError, { extensionsMissing }: Found): string | undefined {
  if (error.code === '42601') return placeholderHint(statement)
  const missing = [...extensionsMissing]
  if (missing.length === 0 || !/^(42704|42883|42P01|3F000|42846)$/.test(error.code ?? '')) return undefined
  const [noun, verb] = missing.length === 1 ? ['extension', 'was'] : ['extensions', 'were']
  return `The ${noun} ${missing.join(', ')} ${verb} left out, since the started server does not have ${missing.length === 1 ? 'it' : 'them'}. Use a server that does: PARTYWALL_POSTGRES_URL=<superuser URL of a throw-away server>, or --database-url`
}

async function runStatement(
  client: pg.Client,
  file: MigrationFile,
  statement: Statement,
  found: Found,
  options: RunOptions,
): Promise<void> {
  const tried = new Set<string>()
  let raced = false
  for (;;) {
    const inside = client.getTransactionStatus() === 'T' && !transactionControl.test(statement.head)
    try {
      if (inside) await client.query(`savepoint ${SAVEPOINT}`)
      await client.query(statement.text)
      // The savepoint is gone if the statement called a procedure that ended the transaction.
      if (inside && client.getTransactionStatus() === 'T') await client.query(`release savepoint ${SAVEPOINT}`)
      return
    } catch (error) {
      if (lostRace(error) && !raced) {
        if (inside) await client.query(`rollback to savepoint ${SAVEPOINT}`)
        raced = true
        continue
      }
      if (createdElsewhere(statement, error, found.rolesMade)) {
        if (inside) await client.query(`rollback to savepoint ${SAVEPOINT}`)
        return
      }
      const extension = statement.head.startsWith('create extension') ? nameIn(error, missingExtension) : undefined
      if (extension !== undefined) {
        if (inside) await client.query(`rollback to savepoint ${SAVEPOINT}`)
        await standIn(client, statement, extension, found)
        return
      }
      const other = instead(statement, error, found)
      if (other !== undefined) {
        if (inside) await client.query(`rollback to savepoint ${SAVEPOINT}`)
        if (other.text === undefined) return
        if (other.again === true) {
          await client.query(other.text)
          continue
        }
        return await runStatement(client, file, { ...statement, text: other.text }, found, options)
      }
      const role = nameIn(error, missingRole)
      if (role === undefined || tried.has(role)) throw refused(file, statement, error, found)
      // Use `inside` from before the statement: the client updates its transaction state only after it has reported the error.
      if (inside) await client.query(`rollback to savepoint ${SAVEPOINT}`)
      await addRole(client, role, options.url)
      tried.add(role)
      found.rolesAdded.add(role)
    }
  }
}

function nameIn(error: unknown, pattern: RegExp): string | undefined {
  return error instanceof pg.DatabaseError ? pattern.exec(error.message)?.[1] : undefined
}

function refused(file: MigrationFile, statement: Statement, error: unknown, found: Found): unknown {
  if (!(error instanceof pg.DatabaseError)) return error
  const where =
    error.position === undefined ? statement.line : statement.line + lineOf(statement.text, Number(error.position))
  const hint =
    error.code === '3F000'
      ? 'If your platform creates objects before your migrations run, write these statements into a file whose name sorts before the migrations'
      : (hintFor(statement, error, found) ?? error.hint)
  const detail = [error.message, hint].filter((part) => part !== undefined && part !== '').join('. ')
  return unreadable(file.name, where, `the server refused this (${error.code ?? 'no code'}): ${detail}`, error)
}

/** Number of line breaks before a position. The server counts characters from 1, not UTF-16 units. */
function lineOf(text: string, position: number): number {
  let line = 0
  let seen = 0
  for (const char of text) {
    if (++seen >= position) break
    if (char === '\n') line++
  }
  return line
}
