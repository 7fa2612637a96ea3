import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** Where a project is inside its git repository. */
export interface RepositoryPlace {
  /** The path from the project to the root of the repository: `../../`; empty for the root itself. */
  readonly up: string
  /** The project's folder, relative to the root of the repository: `apps/api`; empty for the root itself. */
  readonly folder: string
}

/** Read access to the files of a project. Paths are relative to its folder, with `/` between parts. */
export interface ProjectFiles {
  /** The text of a file; undefined if there is none. */
  read(path: string): string | undefined
  /** The names in a folder; empty if there is none. */
  list(path: string): readonly string[]
  isFolder(path: string): boolean
  /** All files whose path matches, without node_modules, build output and hidden folders; at most 2,000. */
  find(ending: RegExp): readonly string[]
  /** Undefined outside of a git repository. */
  repository(): RepositoryPlace | undefined
}

const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage', 'out', 'generated', 'vendor'])
const MOST_FILES = 2_000

/** Opens the files below a folder for reading. */
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
    repository: () => repositoryOf(root),
  }
}

/** Searches upwards for `.git`, which is a folder, or a file in a worktree and in a submodule. */
function repositoryOf(root: string): RepositoryPlace | undefined {
  for (let folder = resolve(root), up = ''; ; folder = dirname(folder), up += '../') {
    if (existsSync(join(folder, '.git'))) return { up, folder: relative(folder, resolve(root)).replaceAll('\\', '/') }
    if (dirname(folder) === folder) return undefined
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
