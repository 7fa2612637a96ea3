// Makes a page of the site from a document that GitHub shows as well.
import { posix } from 'node:path'
import { PAGES_OF_FOLDERS } from './places.mjs'

/**
 * Rewrites the relative links of a document, and escapes what Vue would read as a template.
 *
 * A link to a file that is no page of the site (source code, a test) goes to the repository if package.json names one. Otherwise
 * only its text stays.
 *
 * @param markdown the document
 * @param from its path from the root of the repository
 * @param site `places`: a Map of documents to pages; `repository`: URL of the repository, or undefined
 * @returns markdown for VitePress
 */
export function toSite(markdown, from, { places, repository }) {
  const here = posix.dirname(places.get(from))
  const linkOf = (whole, image, label, target) => {
    if (/^[a-z][a-z+.-]*:/i.test(target) || target.startsWith('#')) return whole
    const [path, anchor] = target.split('#')
    if (image === '!') return `![${label}](/${posix.basename(path)})`
    const document = posix.join(posix.dirname(from), decodeURIComponent(path)).replace(/\/$/, '')
    const page = places.get(document) ?? PAGES_OF_FOLDERS.get(document)
    const suffix = anchor === undefined ? '' : `#${anchor}`
    if (page !== undefined) return `[${label}](${relativeLink(here, page)}${suffix})`
    return repository === undefined ? label : `[${label}](${repository}/blob/main/${document}${suffix})`
  }
  return outsideOfCode(withoutFrontMatter(markdown), (text) =>
    text
      .replaceAll(/<!--[\s\S]*?-->\n?/g, '')
      .replaceAll(/(!?)\[((?:[^\]\\]|\\.)*)\]\(([^)\s]+)\)/g, linkOf)
      .replaceAll(/<(?!https?:)/g, '&lt;')
      .replaceAll('{{', '{&#123;'),
  )
}

function relativeLink(here, page) {
  const path = posix.relative(here, page)
  return path.startsWith('.') ? path : `./${path}`
}

const withoutFrontMatter = (markdown) => markdown.replace(/^---\n[\s\S]*?\n---\n/, '')

/** A character that no document holds: it marks the places of code while the text around is changed. */
const MARK = '\uE000'

function outsideOfCode(markdown, change) {
  const held = []
  const text = markdown
    .split(/(^ *```[\s\S]*?^ *```[^\n]*$|``[^\n]*?``|`[^`\n]*`)/m)
    .map((part, index) => (index % 2 === 0 ? part : `${MARK}${held.push(part) - 1}${MARK}`))
    .join('')
  return change(text).replaceAll(/\uE000(\d+)\uE000/g, (_, index) => held[Number(index)])
}
