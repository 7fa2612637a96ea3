// The documents that `npm run docs:check` reads.
import { readdirSync } from 'node:fs'
import { join, posix } from 'node:path'

const FOLDERS = ['.', 'docs', 'docs/guides', 'docs/rules', 'skills/multi-tenant-security', 'src/prove']

/**
 * @param root folder of the repository
 * @returns paths of all documents from the root
 */
export function documentsOf(root) {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => posix.join(folder, name)),
  )
}
