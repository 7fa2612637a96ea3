import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Read access to the files of a project. Paths are relative to its folder, with `/` between parts. */
export interface ProjectFiles {
  /** The text of a file; undefined if there is none. */
  read(path: string): string | undefined
  /** The names in a folder; empty if there is none. */
  list(path: string): readonly string[]
  isFolder(path: string): boolean
  /** All files whose names end so, without node_modules, build output and hidden folders; at most 2,000. */
  find(ending: RegExp): readonly string[]
}

const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage', 'out', 'generated', 'vendor'])
const MOST_FILES = 2_000

/** The files below a folder. Nothing is written. */
export function openProjectFiles(root: string): ProjectFiles {
  const at = (path: string) => join(root, path)
  let all: readonly string[] | undefined
  return {
    read: (path) => (existsSync(at(path)) && statSync(at(path)).isFile() ? readFileSync(at(path), 'utf8') : undefined),
    list: (path) => (existsSync(at(path)) && statSync(at(path)).isDirectory() ? readdirSync(at(path)).sort() : []),
    isFolder: (path) => existsSync(at(path)) && statSync(at(path)).isDirectory(),
    find(ending) {
      all ??= walk(root)
      return all.filter((path) => ending.test(path))
    },
  }
}

function walk(root: string): readonly string[] {
  const found: string[] = []
  const folders = [root]
  for (let folder = folders.shift(); folder !== undefined && found.length < MOST_FILES; folder = folders.shift()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile()) found.push(relative(root, path).replaceAll('\\', '/'))
    }
  }
  return found.sort()
}
