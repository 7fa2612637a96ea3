// Which documents the site shows, and where.
import { readdirSync } from 'node:fs'
import { join, posix } from 'node:path'

const OUTSIDE = {
  'README.md': 'index.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security.md',
  'src/prove/README.md': 'prover.md',
  'skills/multi-tenant-security/SKILL.md': 'skill.md',
}

/**
 * @param root folder of the repository
 * @returns a Map of paths from the root to paths of the site, such as `docs/guides/login.md` to `guides/login.md`
 */
export function placesOfDocuments(root) {
  const places = new Map(Object.entries(OUTSIDE))
  for (const folder of ['docs', 'docs/guides', 'docs/rules'])
    for (const name of readdirSync(join(root, folder)))
      if (name.endsWith('.md')) places.set(posix.join(folder, name), posix.join(folder, name).slice('docs/'.length))
  return places
}

/** Folders that a document may link to: GitHub lists their files, the site has a page instead. */
export const PAGES_OF_FOLDERS = new Map([['docs/rules', 'rules/index.md']])
