// npm run docs:check: every link and every code block of the documents. Needs the built package, and no network.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkDocuments } from './docs-check/check-documents.mjs'
import { documentsOf } from './docs-check/documents.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const documents = documentsOf(root).map((path) => ({ path, markdown: readFileSync(join(root, path), 'utf8') }))
const { faults, unchecked, counts } = await checkDocuments(root, documents)
for (const { document, line, message } of faults) console.error(`${document}:${line}: ${message}`)
for (const { document, line, reason } of unchecked) console.log(`not checked: ${document}:${line}: ${reason}`)
const { links, commands, output, runByTests, ...blocks } = counts
const list = Object.entries(blocks).map(([language, count]) => `${count} ${language}`)
console.log(`${documents.length} documents, ${links} links, ${commands} commands; blocks: ${list.join(', ')}`)
console.log(`${runByTests} blocks that a test runs, ${output} that show no command, ${unchecked.length} not checked`)
console.log(`${faults.length} faults`)
const looked = links > 0 && commands > 0 && Object.keys(blocks).length > 4
if (!looked) console.error('The check itself is broken: it has looked at nothing.')
process.exit(faults.length > 0 || !looked ? 1 : 0)
