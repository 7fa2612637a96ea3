import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../config/package-root.ts'

/** One numbered file of partywall's own objects. */
export interface OwnMigration {
  readonly name: string
  readonly sql: string
  /** SHA-256 of the file, in hex. If the checksum of an applied file changes, migrate() refuses to run. */
  readonly checksum: string
}

/** The file that creates roles, schema and ledger. It runs each time, and changes nothing if they exist. */
export const GROUND = '0000_ground.sql'

/** partywall's own migrations in order. The file of {@link GROUND} comes first. */
export async function readOwnMigrations(): Promise<readonly OwnMigration[]> {
  const folder = join(packageRoot(), 'migrations', 'partywall')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}
