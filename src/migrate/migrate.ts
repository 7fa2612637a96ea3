import pg from 'pg'
import { ConfigurationError } from '../errors.ts'
import { deriveSealKey, MIN_SECRET_LENGTH, type SealKey } from '../seal/seal-key.ts'
import { recordKnownProtection } from './known-protection.ts'
import { GROUND, type OwnMigration, readOwnMigrations } from './own-migrations.ts'

export interface MigrateOptions {
  /** URL of the migration role: the role that owns the application's tables, or a superuser. */
  readonly databaseUrl: string
  /** The root secret of `createPartywall({ seal: { secret } })`; its derived seal key is added to the database. */
  readonly sealSecret?: string | undefined
  /** Allows a `sealSecret` whose key is not in the database yet. That key becomes the newest; the newest two keys stay valid. */
  readonly rotate?: boolean | undefined
  /** Called with a line of text for each step. */
  readonly onProgress?: (line: string) => void
}

export interface MigrateResult {
  readonly applied: readonly string[]
  /** True when this run added the key of `sealSecret`. */
  readonly keyAdded: boolean
}

/** Two keys are valid at once, so that instances with the old and the new secret work side by side during a rotation. */
const KEYS_KEPT = 2

/**
 * Brings partywall's own objects (schema `partywall`) up to date. It applies each file once, in a separate transaction.
 *
 * Several processes may run it at the same time: each transaction locks the same row of the ledger.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if an applied file was changed, if the secret is too short, or if the database has
 * keys, none of them is the secret's, and `rotate` is not set
 */
export async function migrate(options: MigrateOptions): Promise<MigrateResult> {
  const { onProgress = () => {}, sealSecret, rotate = false } = options
  if (sealSecret !== undefined && sealSecret.length < MIN_SECRET_LENGTH) {
    throw new ConfigurationError(
      `The seal secret has fewer than ${MIN_SECRET_LENGTH} characters. Make one with: openssl rand -hex 32`,
    )
  }
  const key = sealSecret === undefined ? undefined : deriveSealKey(sealSecret)
  const files = await readOwnMigrations()
  const client = new pg.Client({ connectionString: options.databaseUrl, application_name: 'partywall migrate' })
  client.on('error', () => {}) // the query in flight reports the error
  await client.connect()
  try {
    await client.query("set lock_timeout = '30s'")
    // Check the secret before anything is changed, so that a mistyped secret does not end the run halfway.
    if (key !== undefined && !rotate) await refuseSecondKey(client, key)
    await layGround(client, files)
    const applied: string[] = []
    for (const file of files) {
      if (file.name !== GROUND && (await withoutRaces(() => applyOnce(client, file)))) {
        applied.push(file.name)
        onProgress(`applied ${file.name}`)
      }
    }
    await withoutRaces(() => recordKnown(client))
    const keyAdded = key !== undefined && (await addKey(client, key, { rotate, onProgress }))
    return { applied, keyAdded }
  } finally {
    await client.end()
  }
}

/** The names of the files that were not applied to the database. Needs the right to read the ledger. */
export async function pendingMigrations(client: Pick<pg.ClientBase, 'query'>): Promise<readonly string[]> {
  const files = (await readOwnMigrations()).filter((file) => file.name !== GROUND)
  const { rows: found } = await client.query("select to_regclass('partywall.migrations') is not null as there")
  if (found[0]?.there !== true) return files.map((file) => file.name)
  const { rows } = await client.query('select name from partywall.migrations')
  const known = new Set(rows.map((row: { name: unknown }) => row.name))
  return files.filter((file) => !known.has(file.name)).map((file) => file.name)
}

async function layGround(client: pg.Client, files: readonly OwnMigration[]): Promise<void> {
  const ground = files.find((file) => file.name === GROUND)
  if (ground === undefined) throw new ConfigurationError(`migrations/partywall/${GROUND} is missing in this install.`)
  await withoutRaces(() => inTransaction(client, () => client.query(ground.sql)))
}

/**
 * Repeats work that failed because another run changed the same roles or grants at the same moment. Roles and grants belong to the whole
 * server, so a lock in this database does not prevent that: the other run may be in another database, or may be a first run, when there is
 * no row to lock yet.
 */
async function withoutRaces<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 5 || !isRace(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, 50 * attempt))
    }
  }
}

function isRace(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false
  const raced = ['23505', '42710', '42P06', '40P01']
  return raced.includes(error.code ?? '') || error.message.includes('tuple concurrently')
}

async function applyOnce(client: pg.Client, file: OwnMigration): Promise<boolean> {
  return inTransaction(client, async () => {
    await client.query("select from partywall.migrations where name = 'lock' for update")
    const { rows } = await client.query('select checksum from partywall.migrations where name = $1', [file.name])
    const known: unknown = rows[0]?.checksum
    if (known === file.checksum) return false
    if (known !== undefined) {
      throw new ConfigurationError(
        `${file.name} was changed after it was applied. Install the release that applied it, or restore the file: applied files never change.`,
      )
    }
    await client.query(file.sql)
    await client.query('insert into partywall.migrations (name, checksum) values ($1, $2)', [file.name, file.checksum])
    return true
  })
}

async function recordKnown(client: pg.Client): Promise<void> {
  await inTransaction(client, async () => {
    await client.query("select from partywall.migrations where name = 'lock' for update")
    await recordKnownProtection(client)
  })
}

/**
 * Refuses a secret whose key is not in the database. Every key in the table is valid. So the key of a mistyped secret would be valid,
 * without anybody noticing, as long as it is one of the newest two.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the database has keys, and this is none of them
 */
async function refuseSecondKey(client: pg.Client, { keyId }: SealKey): Promise<void> {
  const { rows: found } = await client.query("select to_regclass('partywall.seal_keys') is not null as there")
  if (found[0]?.there !== true) return
  const { rows } = await client.query<{ key_id: string }>('select key_id from partywall.seal_keys order by added_at')
  if (rows.length === 0 || rows.some((row) => row.key_id === keyId)) return
  throw new ConfigurationError(
    `The database knows seal key ${rows.map((row) => row.key_id).join(' and ')}, and the given secret makes key ${keyId}. ` +
      'Give the secret that the application uses, or run partywall migrate --rotate to make this one the newest. No key was added.',
  )
}

async function addKey(
  client: pg.Client,
  key: SealKey,
  { rotate, onProgress }: { readonly rotate: boolean; readonly onProgress: (line: string) => void },
): Promise<boolean> {
  return inTransaction(client, async () => {
    await client.query("select from partywall.migrations where name = 'lock' for update")
    if (!rotate) await refuseSecondKey(client, key)
    // Bind parameters keep the key out of files, statement texts and the server's log of statements.
    const { rowCount } = await client.query(
      'insert into partywall.seal_keys (key_id, inner_pad, outer_pad) values ($1, $2, $3) on conflict (key_id) do nothing',
      [key.keyId, key.innerPad, key.outerPad],
    )
    if (rowCount !== 1) return false
    onProgress(`added seal key ${key.keyId}`)
    const { rows } = await client.query(
      `delete from partywall.seal_keys where key_id in
         (select key_id from partywall.seal_keys order by added_at desc, key_id offset $1) returning key_id`,
      [KEYS_KEPT],
    )
    for (const row of rows) onProgress(`removed seal key ${row.key_id}: only the newest ${KEYS_KEPT} stay valid`)
    return true
  })
}

async function inTransaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {}) // a broken connection is rolled back by the server; the first error says more
    throw error
  }
}
