// npm run docs [-- --serve] and npm run docs:dev: builds the site, or serves it while the documents change.
import { watch } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, createServer, serve } from 'vitepress'
import { writeDocuments, writePages } from './pages.mjs'

const here = dirname(fileURLToPath(import.meta.url))

await writePages()
if (process.argv.includes('--dev')) {
  for (const folder of ['', 'guides', 'rules'])
    watch(join(here, '..', folder), (_event, name) => {
      if (name?.endsWith('.md')) writeDocuments()
    })
  const server = await createServer(here)
  await server.listen()
  server.printUrls()
} else {
  await build(here)
  console.log(`The site is in ${join(here, 'dist', 'html')}.`)
  if (process.argv.includes('--serve')) await serve({ root: here })
}
