import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigurationError } from '../../errors.ts'
import { cutDownSection } from './down-section.ts'
import type { InputFile } from './prepared-source.ts'
import { type SplitFile, splitStatements, UnreadableSqlError } from './split-statements.ts'

/** One migration file, split into statements. */
export interface MigrationFile extends SplitFile, Omit<InputFile, 'statements'> {
  readonly text: string
  /** True if a marked down migration was left out. */
  readonly downSectionCut: boolean
}

/** The files that `--migrations` named. */
export interface Migrations {
  readonly files: readonly MigrationFile[]
  /** Names of `*.sql` files that are down migrations and were not read. */
  readonly ignored: readonly string[]
}

/** Name of the text from standard input. */
const STANDARD_INPUT = '(standard input)'

const wayBack = /(\.down\.sql$|\.undo\.sql$|^U[\d._]+__)/i

/**
 * Reads a folder of `*.sql` files (sorted by name, byte by byte), one file, or `-` for standard input.
 *
 * Down migrations (`down/`, `*.down.sql`) are left out. A folder without `*.sql` files whose subfolders each contain a `migration.sql` is
 * read like a Prisma project.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with file and line of the text that can't be read as SQL
 */
export async function readMigrations(path: string, standardInput?: () => Promise<Buffer>): Promise<Migrations> {
  if (path === '-') {
    if (standardInput === undefined) throw new ConfigurationError('--migrations -: there is no standard input here.')
    return { files: [readFileText(STANDARD_INPUT, await standardInput())], ignored: [] }
  }
  const found = await stat(path).catch((cause: unknown) => {
    throw new ConfigurationError(`--migrations ${path}: there is no such file or folder.`, { cause })
  })
  if (!found.isDirectory()) return { files: [readFileText(path, await readBytes(path))], ignored: [] }
  const { names, ignored } = await listFolder(path)
  if (names.length === 0) {
    throw new ConfigurationError(
      `--migrations ${path}: the folder holds no *.sql to read${ignored.length > 0 ? ' except down migrations' : ''}.`,
    )
  }
  const files: MigrationFile[] = []
  for (const name of names) files.push(readFileText(join(path, name), await readBytes(join(path, name))))
  return { files, ignored }
}

async function listFolder(path: string): Promise<{ names: readonly string[]; ignored: readonly string[] }> {
  const entries = await readdir(path, { withFileTypes: true })
  const sql = entries.filter((entry) => !entry.isDirectory() && entry.name.toLowerCase().endsWith('.sql'))
  const names = sql.map((entry) => entry.name).filter((name) => !wayBack.test(name))
  const ignored = sql.map((entry) => entry.name).filter((name) => wayBack.test(name))
  if (names.length === 0) {
    for (const entry of entries.filter((each) => each.isDirectory() && each.name !== 'down')) {
      const name = join(entry.name, 'migration.sql')
      if (await stat(join(path, name)).catch(() => undefined)) names.push(name)
    }
  }
  return { names: names.sort(bytewise), ignored: ignored.sort(bytewise) }
}

function bytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new ConfigurationError(`--migrations: ${path} can't be read.`, { cause })
  }
}

function readFileText(name: string, bytes: Buffer): MigrationFile {
  const { text, cut } = cutDownSection(decode(name, bytes))
  try {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { name, bytes: bytes.length, sha256, text, downSectionCut: cut, ...splitStatements(text) }
  } catch (error) {
    if (error instanceof UnreadableSqlError) throw unreadable(name, error.line, error.message, error)
    throw error
  }
}

function decode(name: string, bytes: Buffer): string {
  if (bytes.subarray(0, 5).toString('latin1') === 'PGDMP') {
    throw unreadable(
      name,
      1,
      "this is pg_dump's custom format; write plain SQL with pg_dump --schema-only --format=plain",
    )
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Both cases end in the error below.
  }
  throw unreadable(name, 1, 'this is no text in UTF-8')
}

/** The error for a migration that can't be read or run: file and line first, so that an editor can jump there. */
export function unreadable(name: string, line: number, reason: string, cause?: unknown): ConfigurationError {
  const sentence = /[.!?]$/.test(reason) ? reason : `${reason}.`
  return new ConfigurationError(`${name}:${line}: ${sentence}`, {
    details: { file: name, line },
    ...(cause === undefined ? {} : { cause }),
  })
}
