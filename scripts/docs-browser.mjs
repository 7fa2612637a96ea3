// npm run docs:browser: opens each page of the built site in Chromium. Run npm run docs first.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackagesOf } from './packages-of.mjs'

const site = join(dirname(fileURLToPath(import.meta.url)), '..', 'docs', 'site')
installPackagesOf(site, 'playwright-core')
await import(join(site, 'browser', 'run.mjs'))
