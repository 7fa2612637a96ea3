// Relative links and anchors of the documents: each leads somewhere.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withoutCode } from '../../scripts/docs-check/blocks.mjs'
import { checkLinks } from '../../scripts/docs-check/check-links.mjs'
import { documentsOf } from '../../scripts/docs-check/documents.mjs'
import { packageRoot } from '../../src/config/package-root.ts'

const root = packageRoot()

it('has no link in its documents that leads nowhere', async () => {
  const documents = documentsOf(root)
  expect(documents.length).toBeGreaterThan(100)
  const checked = await Promise.all(
    documents.map(async (path) => checkLinks(root, path, await readFile(join(root, path), 'utf8'))),
  )
  expect(checked.reduce((sum, { links }) => sum + links, 0)).toBeGreaterThan(300)
  expect(checked.flatMap(({ faults }) => faults)).toEqual([])
})

it('names in its texts only documents and folders that exist', async () => {
  const dead: string[] = []
  for (const path of documentsOf(root)) {
    if (path.endsWith('SKILL.md')) continue // speaks of the files of its reader's project
    const text = withoutCode(await readFile(join(root, path), 'utf8'))
    for (const [name] of text.matchAll(
      /\b(?:docs|tests|src|examples|migrations|scripts|bench|demo)\/[\w./-]+\.(?:md|ts|mjs|sql)\b/g,
    ))
      if (!existsSync(join(root, name))) dead.push(`${path}: ${name}`)
  }
  expect(dead).toEqual([])
})

it('notices a dead link and a dead anchor', () => {
  const text =
    '# A b\n[here](#a-b) [file](docs/auth.md) [gone](docs/gone.md)\n[lost](#lost) [far](docs/auth.md#no-such)'
  expect(checkLinks(root, 'README.md', text).faults.map(({ line, message }) => `${line}: ${message}`)).toEqual([
    '2: dead link: docs/gone.md',
    '3: dead anchor: #lost',
    '3: dead anchor: docs/auth.md#no-such',
  ])
})
