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

/** One step of `--undo`. Paths are relative to the project. */
type UndoStep =
  | { readonly kind: 'remove'; readonly path: string; readonly foldersToo: boolean }
  | { readonly kind: 'restore'; readonly path: string; readonly content: string }
  | { readonly kind: 'keep'; readonly path: string }

/** Removes or restores the files that init wrote. A file that was changed after that is kept. */
export async function undoFiles(root: string, record: InitRecord): Promise<UndoneFiles> {
  const steps = await undoSteps(root, record)
  for (const step of steps) await take(root, step)
  return told(steps)
}

/** What {@link undoFiles} would do. Nothing is changed. */
export async function filesToUndo(root: string, record: InitRecord): Promise<UndoneFiles> {
  return told(await undoSteps(root, record))
}

function told(steps: readonly UndoStep[]): UndoneFiles {
  const paths = (kind: UndoStep['kind']) => steps.filter((step) => step.kind === kind).map(({ path }) => path)
  return { removed: paths('remove'), restored: paths('restore'), kept: paths('keep') }
}

async function take(root: string, step: UndoStep): Promise<void> {
  const full = join(root, step.path)
  if (step.kind === 'restore') await writeFile(full, step.content)
  if (step.kind !== 'remove') return
  await rm(full)
  if (step.foldersToo) await removeEmpty(dirname(full), join(root, firstFolder(step.path)))
}

async function undoSteps(root: string, record: InitRecord): Promise<readonly UndoStep[]> {
  const steps: UndoStep[] = []
  for (const { path, hash } of record.created) {
    const content = await read(root, path)
    if (content === undefined) continue
    steps.push(hashOf(content) === hash ? { kind: 'remove', path, foldersToo: true } : { kind: 'keep', path })
  }
  for (const { path, hash, before } of record.edited) {
    const content = await read(root, path)
    if (content === undefined || content === before) continue
    steps.push(hashOf(content) === hash ? { kind: 'restore', path, content: before } : { kind: 'keep', path })
  }
  for (const { path, block, names, madeFile } of record.appended) {
    const content = await read(root, path)
    if (content === undefined) continue
    const rest = block === undefined ? withoutNames(content, names) : content.replace(block, '')
    if (rest === content) steps.push({ kind: 'keep', path })
    else if (madeFile && rest.trim() === '') steps.push({ kind: 'remove', path, foldersToo: false })
    else steps.push({ kind: 'restore', path, content: rest })
  }
  return steps
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
