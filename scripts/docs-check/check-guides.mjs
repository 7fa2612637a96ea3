// Guides: the blocks of docs/guides/NAME.md are the files tests/guides/NAME.ts, NAME.sql and so on, which tests/guides/NAME.test.ts runs.
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const LANGUAGES = ['ts', 'sql', 'ini', 'yaml']

/**
 * @param root folder of the repository
 * @param document path from the root
 * @param blocks of the document
 * @returns undefined if no test runs the document's code; otherwise `faults`, and `shown`: the blocks that a test runs
 */
export function checkGuide(root, document, blocks) {
  const name = basename(document, '.md')
  const file = (end) => join(root, 'tests', 'guides', `${name}.${end}`)
  if (!document.startsWith('docs/guides/') || !existsSync(file('test.ts'))) return undefined
  const shown = blocks.filter(({ language, unchecked }) => LANGUAGES.includes(language) && unchecked === undefined)
  const faults = LANGUAGES.flatMap((language) => {
    const page = shown.filter((block) => block.language === language)
    const code = page.map((block) => block.code).join('\n\n')
    const tested = existsSync(file(language)) ? readFileSync(file(language), 'utf8').trimEnd() : ''
    if (code === tested) return []
    const line = page[0]?.line ?? 1
    return [{ document, line, message: differs(code, tested, `tests/guides/${name}.${language}`) }]
  })
  return { faults, shown }
}

function differs(code, tested, file) {
  const lines = tested.split('\n')
  const index = code.split('\n').findIndex((line, at) => line !== lines[at])
  const at = index < 0 ? code.split('\n').length : index
  return `the page is not ${file}, from its line ${at + 1} on: ${lines[at] ?? '(end of the file)'}`
}
