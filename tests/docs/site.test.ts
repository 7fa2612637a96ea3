// How documents become pages of the site. `npm run docs` builds it, and `npm run docs:browser` opens each page.
import { expect, it } from 'vitest'
import { placesOfDocuments } from '../../docs/site/places.mjs'
import { sidebarOf } from '../../docs/site/sidebar.mjs'
import { toSite } from '../../docs/site/to-site.mjs'
import { packageRoot } from '../../src/config/package-root.ts'

const places = placesOfDocuments(packageRoot())
const titles = new Map([...places.keys()].map((path) => [path, path]))
const page = (markdown: string, from = 'docs/guides/incident.md', repository?: string) =>
  toSite(markdown, from, { places, repository })

it('leads links between documents to the pages of the site', () => {
  expect(page('[a](../tenants.md#suspension) [b](../../README.md) [c](../rules/)')).toBe(
    '[a](../tenants.md#suspension) [b](../index.md) [c](../rules/index.md)',
  )
  expect(page('[rules](docs/rules/) [guide](docs/guides/incident.md)', 'README.md')).toBe(
    '[rules](./rules/index.md) [guide](./guides/incident.md)',
  )
})

it('leads links to source code to the repository, and keeps their text alone if there is none', () => {
  const markdown = '[code](../../src/errors.ts)'
  expect(page(markdown, 'docs/guides/incident.md', 'https://example.com/r')).toBe(
    '[code](https://example.com/r/blob/main/src/errors.ts)',
  )
  expect(page(markdown)).toBe('code')
})

it('shows angle brackets and braces as text, and changes nothing in code', () => {
  expect(page('a <b> {{ c }} <!-- note -->\n`<b> {{ c }} [x](../y.md)`')).toBe(
    'a &lt;b> {&#123; c }} `<b> {{ c }} [x](../y.md)`',
  )
  expect(page('```ts\nconst a = <T>(b: T) => b // [x](../tenants.md)\n```')).toContain(
    '<T>(b: T) => b // [x](../tenants.md)',
  )
})

it('shows each document in the side bar', () => {
  const groups = sidebarOf({ places, titles, rules: [{ id: 'rls-disabled' }] })
  expect(groups.map(({ text }) => text)).toEqual(expect.arrayContaining(['Start', 'Guides', 'Reference']))
  expect(groups.at(-1)?.items).toEqual([{ text: 'rls-disabled', link: '/rules/rls-disabled' }])
})

it('fails if a document is in no group of the side bar', () => {
  const more = new Map([...places, ['docs/new.md', 'new.md']])
  expect(() => sidebarOf({ places: more, titles, rules: [] })).toThrow('does not name docs/new.md')
})
