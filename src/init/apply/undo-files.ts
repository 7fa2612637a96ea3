import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hashOf, type InitRecord } from './record.ts'
import { removeEmpty } from './remove-empty.ts'
import { REPLACED } from './write-files.ts'

/** What `--undo` did with the files. Paths are relative to the project. */
export interface UndoneFiles {
  readonly removed: readonly string[]
  readonly restored: readonly string[]
  /** Files that were changed after init wrote them. They are kept, and a person decides. */
  readonly kept: readonly string[]
}

/** Removes or restores the files that init wrote. A file that was changed after that is kept. */
export async function undoFiles(root: string, record: InitRecord): Promise<UndoneFiles> {
  const removed: string[] = []
  const restored: string[] = []
  const kept: string[] = []
  for (const { path, hash } of record.created) {
    const content = await read(root, path)
    if (content === undefined) continue
    if (hashOf(content) !== hash) kept.push(path)
    else {
      await rm(join(root, path))
      await removeEmpty(dirname(join(root, path)), join(root, firstFolder(path)))
      removed.push(path)
    }
  }
  for (const { path, hash, before } of record.edited) {
    const content = await read(root, path)
    if (content === undefined) continue
    if (content === before) continue
    if (hashOf(content) !== hash) kept.push(path)
    else {
      await writeFile(join(root, path), before)
      restored.push(path)
    }
  }
  for (const { path, block, names, madeFile } of record.appended) {
    const content = await read(root, path)
    if (content === undefined) continue
    const rest = block === undefined ? withoutNames(content, names) : content.replace(block, '')
    if (rest === content) kept.push(path)
    else if (madeFile && rest.trim() === '') {
      await rm(join(root, path))
      removed.push(path)
    } else {
      await writeFile(join(root, path), rest)
      restored.push(path)
    }
  }
  return { removed, restored, kept }
}

/** The first folder of a path that is not above the project: `src`, `../../.github`. */
function firstFolder(path: string): string {
  return /^(?:\.\.\/)*[^/]+/.exec(path)?.[0] ?? path
}

async function read(root: string, path: string): Promise<string | undefined> {
  const full = join(root, path)
  return existsSync(full) ? readFile(full, 'utf8') : undefined
}

/**
 * The text without the lines that set these variables and the comment of init above them. Lines that init had commented out become active
 * again.
 */
function withoutNames(content: string, names: readonly string[]): string {
  const lines = content
    .split('\n')
    .filter((line) => !names.some((name) => line.startsWith(`${name}=`)) && !line.startsWith('# partywall: '))
    .map((line) => (line.startsWith(REPLACED) ? line.slice(REPLACED.length) : line))
  return `${lines.join('\n').trimEnd()}\n`
}
