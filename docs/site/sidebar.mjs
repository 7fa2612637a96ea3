// The side bar: the groups of navigation.mjs with the titles of their pages.
import { navigation } from './navigation.mjs'

/**
 * @param site `places`: documents and their pages; `titles`: their first headings; `rules`: of rules-index.mjs
 * @returns the side bar for VitePress
 * @throws if a document is in no group, or a group names a document that does not exist
 */
export function sidebarOf({ places, titles, rules }) {
  const shown = new Set()
  const itemOf = (document) => {
    const page = places.get(document)
    if (page === undefined) throw new Error(`docs/site/navigation.mjs names ${document}, which does not exist`)
    shown.add(document)
    const text = document === 'README.md' ? 'What it is, quick start' : titles.get(document).replaceAll('`', '')
    return { text, link: page === 'index.md' ? '/' : `/${page.slice(0, -'.md'.length)}` }
  }
  const groups = navigation.map(({ text, pages, links = [] }) => ({
    text,
    collapsed: false,
    items: [...pages.map((page) => itemOf(`${page}.md`)), ...links],
  }))
  const forgotten = [...places.keys()].filter((path) => !shown.has(path) && !path.startsWith('docs/rules/'))
  if (forgotten.length > 0) throw new Error(`docs/site/navigation.mjs does not name ${forgotten.join(', ')}`)
  const ruleItems = rules.map(({ id }) => ({ text: id, link: `/rules/${id}` }))
  return [...groups, { text: 'Rules of verify', collapsed: true, items: ruleItems }]
}
