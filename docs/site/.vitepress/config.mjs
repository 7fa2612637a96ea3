import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { githubAnchor } from '../anchors.mjs'

const folder = (path) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url))
const { sidebar, repository, version } = JSON.parse(readFileSync(folder('site.json'), 'utf8'))

export default defineConfig({
  title: 'partywall',
  description: 'Keeps the tenants of one PostgreSQL database apart, for Node.js applications, and proves it.',
  base: process.env.PARTYWALL_DOCS_BASE ?? '/',
  srcDir: folder('pages'),
  outDir: folder('html'),
  cacheDir: folder('cache'),
  metaChunk: true,
  markdown: {
    anchor: { slugify: githubAnchor },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/init' },
      { text: 'Guides', link: sidebar.find(({ text }) => text === 'Guides').items[0].link },
      { text: 'Commands', link: '/reference/cli' },
      { text: 'API', link: '/reference/api/' },
      { text: 'Rules', link: '/rules/' },
      { text: version, link: '/changelog' },
    ],
    sidebar,
    ...(repository === undefined ? {} : { socialLinks: [{ icon: 'github', link: repository }] }),
  },
})
