import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ConfigurationError } from '../../errors.ts'
import { PUBLIC_RIGHTS } from './public-rights.ts'
import { removeEmpty } from './remove-empty.ts'

/** The file in which init records what it wrote. The folder is git-ignored. */
export const RECORD_PATH = '.partywall/init.json'

const text = z.string()
const schema = z.strictObject({
  version: z.literal(1),
  /** Created files with the hash of their content. */
  created: z.array(z.strictObject({ path: text, hash: text })),
  /** Changed files: the hash of the new content, and the text before. */
  edited: z.array(z.strictObject({ path: text, hash: text, before: text })),
  /** Lines added at the end of a file. If the lines are secret, `block` is missing, and `names` identifies them. */
  appended: z.array(
    z.strictObject({ path: text, block: text.optional(), names: z.array(text), madeFile: z.boolean() }),
  ),
  database: z.strictObject({
    name: text,
    roles: z.array(text),
    /** Whether init created the schema partywall. */
    madeSchema: z.boolean(),
    /** Rights that PUBLIC had before. Missing in records of earlier releases. */
    publicRights: z.array(z.enum(PUBLIC_RIGHTS)).optional(),
  }),
})

/** What a run of init did, so that `--undo` can take it back. It holds no secret. */
export type InitRecord = z.infer<typeof schema>

export function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the file was damaged */
export async function readRecord(root: string): Promise<InitRecord | undefined> {
  const path = join(root, RECORD_PATH)
  if (!existsSync(path)) return undefined
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new ConfigurationError(`${RECORD_PATH} can't be read, so partywall init does not know what it wrote.`, {
      cause,
    })
  }
}

export async function writeRecord(root: string, record: InitRecord): Promise<void> {
  const path = join(root, RECORD_PATH)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(record, null, 2)}\n`)
}

export async function removeRecord(root: string): Promise<void> {
  const path = join(root, RECORD_PATH)
  await rm(path, { force: true })
  await removeEmpty(dirname(path), dirname(path))
}
