// Relative links and anchors of the documents: each leads somewhere.
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'

const root = packageRoot()

async function documents(): Promise<readonly string[]> {
  const folders = ['.', 'docs', 'docs/rules', 'skills/multi-tenant-security']
  const lists = await Promise.all(
    folders.map(async (folder) => (await readdir(join(root, folder))).map((name) => join(root, folder, name))),
  )
  return lists.flat().filter((path) => path.endsWith('.md'))
}

/** What GitHub makes of headings. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutCode(markdown).matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-')
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

const withoutCode = (markdown: string) => markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, '')

async function deadLinks(path: string, markdown: string): Promise<readonly string[]> {
  const dead: string[] = []
  for (const [, target = ''] of withoutCode(markdown)
    .replaceAll(/`[^`\n]*`/g, '')
    .matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/i.test(target)) continue
    const [file = '', anchor] = target.split('#')
    const to = file === '' ? path : join(dirname(path), decodeURIComponent(file))
    const lives =
      existsSync(to) &&
      (anchor === undefined || anchorsOf(file === '' ? markdown : await readFile(to, 'utf8')).has(anchor))
    if (!lives) dead.push(`${relative(root, path)}: ${target}`)
  }
  return dead
}

it('has no link in its documents that leads nowhere', async () => {
  const paths = await documents()
  expect(paths.length).toBeGreaterThan(100)
  const dead = await Promise.all(paths.map(async (path) => deadLinks(path, await readFile(path, 'utf8'))))
  expect(dead.flat()).toEqual([])
})

it('names in its texts only documents and folders that exist', async () => {
  const dead: string[] = []
  for (const path of await documents()) {
    if (path.endsWith('SKILL.md')) continue // speaks of the files of its reader's project
    const text = withoutCode(await readFile(path, 'utf8'))
    for (const [name] of text.matchAll(
      /\b(?:docs|tests|src|examples|migrations|scripts|bench|demo)\/[\w./-]+\.(?:md|ts|mjs|sql)\b/g,
    ))
      if (!existsSync(join(root, name))) dead.push(`${relative(root, path)}: ${name}`)
  }
  expect(dead).toEqual([])
})

it('notices a dead link and a dead anchor', async () => {
  const readme = join(root, 'README.md')
  const text = '# A b\n[here](#a-b) [file](docs/auth.md) [gone](docs/gone.md) [lost](#lost) [far](docs/auth.md#no-such)'
  expect(await deadLinks(readme, text)).toEqual([
    'README.md: docs/gone.md',
    'README.md: #lost',
    'README.md: docs/auth.md#no-such',
  ])
})
