import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ConfigurationError } from '../../errors.ts'
import type { PlannedFile } from '../plan/init-plan.ts'
import { hashOf, type InitRecord } from './record.ts'
import { removeEmpty } from './remove-empty.ts'

type WrittenFiles = Pick<InitRecord, 'created' | 'edited' | 'appended'>

/**
 * Writes all files or none: after an error, files that were written already are restored.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` that names the file that can't be written
 */
export async function writeFiles(root: string, files: readonly PlannedFile[]): Promise<WrittenFiles> {
  const undo: (() => Promise<void>)[] = []
  const written: WrittenFiles = { created: [], edited: [], appended: [] }
  try {
    for (const file of files) await writeOne(root, file, written, undo)
    return written
  } catch (error) {
    for (const step of undo.reverse()) await step()
    if (error instanceof ConfigurationError) throw error
    const path = error instanceof Error && 'path' in error ? String(error.path) : 'a file'
    throw new ConfigurationError(`${path} can't be written. All files are as they were before.`, { cause: error })
  }
}

async function writeOne(
  root: string,
  file: PlannedFile,
  written: WrittenFiles,
  undo: (() => Promise<void>)[],
): Promise<void> {
  const path = join(root, file.path)
  const before = existsSync(path) ? await readFile(path, 'utf8') : undefined
  if (file.kind === 'create' && before !== undefined) throw changed(file.path)
  if (file.kind === 'edit' && before !== file.before) throw changed(file.path)
  const folder = await makeFolder(dirname(path))
  undo.push(async () => {
    if (before === undefined) await rm(path, { force: true })
    else await writeFile(path, before)
    if (folder !== undefined) await removeEmpty(dirname(path), folder)
  })
  switch (file.kind) {
    case 'create':
      await writeFile(path, file.content, { flag: 'wx' })
      written.created.push({ path: file.path, hash: hashOf(file.content) })
      return
    case 'edit':
      await writeFile(path, file.content)
      written.edited.push({ path: file.path, hash: hashOf(file.content), before: file.before })
      return
    case 'append': {
      const gap = before === undefined || before === '' || before.endsWith('\n') ? '' : '\n'
      if (before !== undefined && file.replaced !== undefined)
        await writeFile(path, withComments(before, file.replaced))
      // A new file with secrets is readable for its owner only.
      await appendFile(path, `${gap}${file.block}`, file.secret ? { mode: 0o600 } : {})
      const names = [...file.block.matchAll(/^(\w+)=/gm)].map(([, name = '']) => name)
      const block = file.secret ? {} : { block: `${gap}${file.block}` }
      written.appended.push({ path: file.path, ...block, names, madeFile: before === undefined })
    }
  }
}

/** Prefix of a line of an env file that init has commented out. `--undo` removes the prefix. */
export const REPLACED = '# before partywall init: '

function withComments(text: string, names: readonly string[]): string {
  const sets = (line: string) => names.includes(/^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1] ?? '')
  return text
    .split('\n')
    .map((line) => (sets(line) ? `${REPLACED}${line}` : line))
    .join('\n')
}

function changed(path: string): ConfigurationError {
  return new ConfigurationError(`${path} was changed while partywall init ran. All files are as they were before.`)
}

/** Makes a folder and its parents. Returns the first folder that had to be made; undefined if all existed. */
async function makeFolder(folder: string): Promise<string | undefined> {
  return mkdir(folder, { recursive: true })
}
