// Every link and every code block of the documents.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blocksOf } from './blocks.mjs'
import { checkInline, checkShell, commandChecker } from './check-commands.mjs'
import { checkData } from './check-data.mjs'
import { checkGuide } from './check-guides.mjs'
import { checkLinks } from './check-links.mjs'
import { checkTypeScript } from './check-typescript.mjs'

/** Documents whose JavaScript a test runs as printed; the test reads the document by its name. */
const RUN_BY_TESTS = { 'skills/multi-tenant-security/SKILL.md': 'tests/skills/skill.test.ts' }

const CODE = new Set(['ts', 'tsx', 'js'])
const DATA = new Set(['sql', 'json', 'yaml'])
const SHELL = new Set(['sh', 'bash', 'console', ''])
const OUTPUT = 'text'

/**
 * @param root folder of the repository, built
 * @param documents `path` from the root, and `markdown`
 * @returns `faults`: `document`, `line`, `message`; `unchecked`: blocks with a reason; `counts`: how many of each kind were looked at
 */
export async function checkDocuments(root, documents) {
  const check = await commandChecker(root)
  const faults = []
  const unchecked = []
  const code = []
  const counts = { links: 0, commands: 0, output: 0, runByTests: 0 }
  for (const { path: document, markdown } of documents) {
    const { links, faults: dead } = checkLinks(root, document, markdown)
    counts.links += links
    faults.push(...dead)
    const inline = checkInline(markdown, check)
    counts.commands += inline.commands
    faults.push(...inline.faults.map((fault) => ({ document, ...fault })))
    const blocks = blocksOf(markdown)
    const guide = checkGuide(root, document, blocks)
    counts.runByTests += guide?.shown.length ?? 0
    faults.push(...(guide?.faults ?? []))
    for (const block of blocks.filter((each) => guide?.shown.includes(each) !== true)) {
      const { language, line } = block
      if (block.unchecked !== undefined) unchecked.push({ document, line, reason: block.unchecked })
      else if (language === 'js' && RUN_BY_TESTS[document] !== undefined) {
        counts.runByTests++
        faults.push(...runs(root, document, line))
      } else if (CODE.has(language)) code.push(strictly({ document, ...block }))
      else if (DATA.has(language)) {
        counts[language] = (counts[language] ?? 0) + 1
        const message = await checkData(block)
        if (message !== undefined) faults.push({ document, line, message: `${language} ${message}` })
      } else if (SHELL.has(language)) {
        const shell = checkShell(block, check)
        if (shell.commands === 0) counts.output++
        counts.commands += shell.commands
        faults.push(...shell.faults.map((fault) => ({ document, ...fault })))
      } else if (language === OUTPUT) counts.output++
      else faults.push({ document, line, message: `no check knows blocks of the language ${language}` })
    }
  }
  for (const { language } of code) counts[language] = (counts[language] ?? 0) + 1
  return { faults: [...faults, ...checkTypeScript(root, code)], unchecked, counts }
}

/** The quick start is JavaScript that must also compile in a strict TypeScript project. */
function strictly(block) {
  return block.words.includes('quick-start') ? { ...block, language: 'ts' } : block
}

function runs(root, document, line) {
  const test = RUN_BY_TESTS[document]
  const name = document.split('/').at(-1)
  if (existsSync(join(root, test)) && readFileSync(join(root, test), 'utf8').includes(name)) return []
  return [{ document, line, message: `${test} does not run ${name}` }]
}
