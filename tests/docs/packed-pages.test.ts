// Messages and written files name pages such as docs/init.md: whoever installed the package must find them there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'

const root = packageRoot()
const manifest: { readonly files: readonly string[] } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Whether `files` of package.json contains a path: by a folder, or by `folder/*.md`. */
function isPacked(path: string): boolean {
  const folder = path.slice(0, path.lastIndexOf('/'))
  return manifest.files.some((each) => path.startsWith(`${each}/`) || each === path || each === `${folder}/*.md`)
}

/** The pages that the sources of the package name. */
function namedPages(): ReadonlySet<string> {
  const pages = new Set<string>()
  for (const folder of ['src', 'cli'])
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }))
      if (name.endsWith('.ts'))
        for (const [page] of readFileSync(join(root, folder, name), 'utf8').matchAll(/\bdocs\/[\w/-]+\.md/g))
          pages.add(page)
  return pages
}

it('every page that a message names exists, and is in the package', () => {
  const pages = [...namedPages()]
  expect(pages.length).toBeGreaterThan(5)
  expect(pages.filter((page) => !existsSync(join(root, page)))).toEqual([])
  expect(pages.filter((page) => !isPacked(page))).toEqual([])
  expect(isPacked('docs/rules/lock-table.md')).toBe(true)
})
