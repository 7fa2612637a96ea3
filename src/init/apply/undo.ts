import type { Queryable } from '../../catalog/model.ts'
import { ConfigurationError } from '../../errors.ts'
import { dropSchema } from './apply-plan.ts'
import { dropLogins } from './logins.ts'
import { type InitRecord, removeRecord } from './record.ts'
import { filesToUndo, type UndoneFiles, undoFiles } from './undo-files.ts'

/** What `--undo` took back. */
export interface Undone extends UndoneFiles {
  readonly roles: readonly string[]
  readonly droppedSchema: boolean
}

/**
 * Takes back what a run of init did, in the database and in the files.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the migration was applied, or for another database; nothing is changed then
 */
export async function undoInit(root: string, record: InitRecord, client: Queryable): Promise<Undone> {
  await refuseUndo(record, client)
  await client.query('begin')
  try {
    if (record.database.madeSchema) await dropSchema(client, record.database.publicRights ?? [])
    await dropLogins(client, record.database.roles)
    await client.query('commit')
  } catch (cause) {
    await client.query('rollback')
    const what = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigurationError(`The database could not be taken back: ${what}. Nothing was changed.`, { cause })
  }
  const files = await undoFiles(root, record)
  await removeRecord(root)
  return { ...files, roles: record.database.roles, droppedSchema: record.database.madeSchema }
}

/** What {@link undoInit} would do, and why it would refuse to. Nothing is changed. */
export async function planUndo(
  root: string,
  record: InitRecord,
  client: Queryable,
): Promise<Undone & { readonly refusal: string | undefined }> {
  const refusal = await refuseUndo(record, client).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ConfigurationError) return error.message
      throw error
    },
  )
  const files = await filesToUndo(root, record)
  return { ...files, roles: record.database.roles, droppedSchema: record.database.madeSchema, refusal }
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the migration was applied, or for another database */
async function refuseUndo(record: InitRecord, client: Queryable): Promise<void> {
  const { rows } = await client.query<{ name: string }>('select current_database() as name')
  if (rows[0]?.name !== record.database.name)
    throw new ConfigurationError(
      `partywall init worked on the database ${record.database.name}, and this is ${rows[0]?.name}. Give its URL with --database-url. Nothing was changed.`,
    )
  await refuseProtected(client, record)
}

/** Refuses if policies use the schema partywall: dropping the schema would drop these policies, and open their tables. */
async function refuseProtected(client: Queryable, { created }: InitRecord): Promise<void> {
  const { rows } = await client.query<{ table: string }>(
    `select distinct p.polrelid::regclass::text as table from pg_catalog.pg_policy p
      where p.polname in ('tenant_isolation_policy', 'tenant_seal_policy', 'partywall_entry_read') order by 1`,
  )
  if (rows.length === 0) return
  const migrations = created
    .map(({ path }) => path)
    .filter((path) => /partywall/i.test(path) && /\.(?:sql|ts|js|cjs)$/.test(path))
  const [noun, names] = [rows.length === 1 ? 'table' : 'tables', rows.map(({ table }) => table).join(', ')]
  throw new ConfigurationError(
    `Policies of partywall protect ${rows.length} ${noun} (${names}), so the migration was applied. Run its down migration first: ${downCommand(migrations)}. Then run partywall init --undo again. If policies stay, the migration was changed after init wrote it: drop them yourself. Nothing was changed.`,
  )
}

/** Tools that run TypeScript or JavaScript run the down migration themselves. Tools that run SQL do not, so the file is run with psql. */
function downCommand(migrations: readonly string[]): string {
  const down = migrations.find((path) => /down|(?:^|\/)U\d/.test(path))
  if (down === undefined) return `with your tool, ${migrations[0] ?? 'see your migrations'}`
  const note = 'and remove the migration from the list that your tool keeps in the database, or it counts as applied'
  return down.endsWith('.sql') ? `psql "$DATABASE_URL" -f ${down}, ${note}` : `with your tool, ${down}`
}
