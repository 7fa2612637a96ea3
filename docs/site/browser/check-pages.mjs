// Opens each page of a built site in Chromium, 390 px wide, in light and dark.
import { lookAtPage } from './faults-of-page.mjs'

const WIDTH = 390

/**
 * @param browser Chromium, started by playwright-core
 * @param origin where the site is served
 * @param paths of its pages, such as `/guides/login.html`
 * @returns `faults`: one line each; `texts` and `links`: how many were looked at
 */
export async function checkPages(browser, origin, paths) {
  const context = await browser.newContext({ viewport: { width: WIDTH, height: 844 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const faults = []
  const idsOf = new Map()
  const linksOf = new Map()
  let texts = 0
  page.on('pageerror', (error) => faults.push(`${new URL(page.url()).pathname}: error in the page: ${error.message}`))
  for (const path of paths) {
    await page.goto(origin + path, { waitUntil: 'load' })
    await page.addStyleTag({ content: '* { transition: none !important; animation: none !important }' })
    for (const dark of [false, true]) {
      await page.evaluate((on) => document.documentElement.classList.toggle('dark', on), dark)
      const seen = await page.evaluate(lookAtPage)
      texts += seen.texts
      for (const text of seen.faint) faults.push(`${path}: contrast too low in ${dark ? 'dark' : 'light'}: ${text}`)
      if (seen.wider > 0) faults.push(`${path}: ${seen.wider} px wider than a window of ${WIDTH} px`)
      idsOf.set(path, new Set(seen.ids))
      linksOf.set(path, seen.links)
    }
  }
  await context.close()
  const dead = deadLinks(origin, idsOf, linksOf)
  return { faults: [...faults, ...dead.faults], texts, links: dead.links }
}

function deadLinks(origin, idsOf, linksOf) {
  const faults = []
  let links = 0
  for (const [path, hrefs] of linksOf)
    for (const href of new Set(hrefs)) {
      const url = new URL(href)
      if (url.origin !== origin) continue
      links++
      const target = url.pathname.endsWith('/') ? `${url.pathname}index.html` : url.pathname
      const ids = idsOf.get(target) ?? idsOf.get(`${target}.html`)
      if (ids === undefined) faults.push(`${path}: dead link ${url.pathname}`)
      else if (url.hash !== '' && !ids.has(decodeURIComponent(url.hash.slice(1))))
        faults.push(`${path}: dead anchor ${url.pathname}${url.hash}`)
    }
  return { faults, links }
}
