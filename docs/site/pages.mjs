// Writes the pages that VitePress builds: the documents, the list of rules, the commands and the API.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeApiReference } from './api-reference.mjs'
import { cliReference } from './cli-reference.mjs'
import { placesOfDocuments } from './places.mjs'
import { rulesIndex, rulesOf } from './rules-index.mjs'
import { sidebarOf } from './sidebar.mjs'
import { toSite } from './to-site.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const dist = join(here, 'dist')
const pages = join(dist, 'pages')

function write(path, text) {
  mkdirSync(dirname(join(pages, path)), { recursive: true })
  writeFileSync(join(pages, path), text)
}

/** Writes the documents of the repository, the list of rules and the side bar again. */
export function writeDocuments() {
  const { repository: declared, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const url = typeof declared === 'string' ? declared : declared?.url
  const repository = url?.replace(/^git\+/, '').replace(/\.git$/, '')
  const places = placesOfDocuments(root)
  const titles = new Map()
  for (const [document, page] of places) {
    const markdown = readFileSync(join(root, document), 'utf8')
    titles.set(document, /^# (.+)$/m.exec(markdown)?.[1] ?? basename(document, '.md'))
    write(page, toSite(markdown, document, { places, repository }))
  }
  const rules = rulesOf(root)
  write('rules/index.md', rulesIndex(rules))
  for (const name of readdirSync(join(root, 'docs')))
    if (name.endsWith('.svg')) cpSync(join(root, 'docs', name), join(pages, 'public', name))
  const sidebar = sidebarOf({ places, titles, rules })
  writeFileSync(join(dist, 'site.json'), JSON.stringify({ sidebar, repository, version }))
}

/** Writes all pages into an empty folder. */
export async function writePages() {
  rmSync(pages, { recursive: true, force: true })
  writeDocuments()
  write('reference/cli.md', cliReference(root))
  await writeApiReference({ root, out: join(pages, 'reference', 'api') })
}
