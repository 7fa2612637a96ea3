// npm run docs:browser: links, contrast and width of each page of the built site, in Chromium.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { checkPages } from './check-pages.mjs'
import { serveFolder } from './serve-folder.mjs'

const html = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'html')
if (!existsSync(html)) stop('There is no built site. Run npm run docs first.')
const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = [process.env.PARTYWALL_CHROMIUM, ...candidates].find((path) => path && existsSync(path))
if (executablePath === undefined) stop('There is no Chromium. Set PARTYWALL_CHROMIUM to its path.')

function stop(why) {
  console.error(why)
  process.exit(2)
}

/** A page with each fault once. If one is not noticed, the check says nothing about the site. */
const FAULTY = `<body style="background:#fff;margin:0"><a href="/gone.html">gone</a> <a href="#gone">gone</a>
<p style="color:#aaa">faint</p><div style="width:600px">wide</div></body>`
const EXPECTED = ['dead link', 'dead anchor', 'contrast too low', 'px wider']

async function noticesFaults(browser) {
  const folder = mkdtempSync(join(tmpdir(), 'partywall-docs-'))
  writeFileSync(join(folder, 'faulty.html'), FAULTY)
  const server = await serveFolder(folder)
  const { faults } = await checkPages(browser, server.origin, ['/faulty.html'])
  server.close()
  rmSync(folder, { recursive: true })
  const missed = EXPECTED.filter((kind) => !faults.some((fault) => fault.includes(kind)))
  if (missed.length > 0) stop(`The check itself is broken. It does not notice: ${missed.join(', ')}`)
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
await noticesFaults(browser)
const paths = readdirSync(html, { recursive: true })
  .filter((name) => name.endsWith('.html') && name !== '404.html')
  .map((name) => `/${name.replaceAll('\\', '/')}`)
  .sort()
const server = await serveFolder(html)
const { faults, texts, links } = await checkPages(browser, server.origin, paths)
server.close()
await browser.close()
for (const fault of faults) console.error(fault)
console.log(`${paths.length} pages, ${links} links, ${texts} texts in light and dark: ${faults.length} faults`)
process.exit(faults.length > 0 || texts === 0 || links === 0 ? 1 : 0)
