// Links of a document: relative ones lead to a file and a heading that exist, external ones have the form of an https URL.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { githubAnchor } from '../../docs/site/anchors.mjs'
import { withoutCode } from './blocks.mjs'

/**
 * @param markdown a document
 * @returns the anchors of its headings; the second heading of the same text gets `-1`, and so on
 */
function anchorsOf(markdown) {
  const anchors = new Set()
  for (const [, heading] of withoutCode(markdown).matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = githubAnchor(heading)
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

/**
 * @param root folder of the repository
 * @param document path from the root
 * @param markdown its text
 * @returns `links`: how many there are; `faults`: `document`, `line`, `message`
 */
export function checkLinks(root, document, markdown) {
  const faults = []
  const text = withoutCode(markdown).replaceAll(/`[^`\n]*`/g, (code) => ' '.repeat(code.length))
  const found = [...text.matchAll(/\]\(([^)]*)\)/g)]
  for (const { 1: target, index } of found) {
    const why = faultOf(root, document, markdown, target)
    if (why === undefined) continue
    faults.push({ document, line: text.slice(0, index).split('\n').length, message: `${why}: ${target}` })
  }
  return { links: found.length, faults }
}

function faultOf(root, document, markdown, target) {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return isExternal(target) ? undefined : 'not a complete https link'
  const [file, anchor] = target.split('#')
  const path = file === '' ? join(root, document) : join(root, dirname(document), decodeURIComponent(file))
  if (!existsSync(path)) return 'dead link'
  if (anchor === undefined) return undefined
  const headings = anchorsOf(file === '' ? markdown : readFileSync(path, 'utf8'))
  return headings.has(anchor) ? undefined : 'dead anchor'
}

function isExternal(target) {
  if (/\s/.test(target) || !URL.canParse(target)) return false
  const { protocol, hostname } = new URL(target)
  return protocol === 'mailto:' || (protocol === 'https:' && hostname.includes('.'))
}
