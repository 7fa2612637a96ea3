// The pages of docs/rules: one for each rule, all of one form, in sentences that a reader needs to read once.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { rules } from '../../src/verify/rules/list.ts'

const folder = join(packageRoot(), 'docs', 'rules')
const SECTIONS = ['What the hole is', 'Example', 'Why PostgreSQL does this', 'Fix', 'Not reported', 'Severity']
const MOST_WORDS = 40

const pageOf = (id: string) => readFileSync(join(folder, `${id}.md`), 'utf8')
const withoutCode = (markdown: string) => markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, '')
const headingsOf = (page: string) => [...withoutCode(page).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)

function sectionOf(page: string, heading: string): string {
  const start = page.indexOf(`\n## ${heading}\n`)
  if (start < 0) return ''
  const body = page.slice(start + heading.length + 5)
  const end = body.indexOf('\n## ')
  return (end < 0 ? body : body.slice(0, end)).trim()
}

/** Sentences of paragraphs and list items. A link counts as its text, and code inside a line as one word. */
function sentencesOf(markdown: string): readonly string[] {
  return withoutCode(markdown)
    .replaceAll(/^#+ .*$/gm, '')
    .replaceAll(/`[^`]*`/g, 'code')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .split(/\n\s*\n|^- /m)
    .flatMap((block) =>
      block
        .replaceAll(/\s+/g, ' ')
        .trim()
        .split(/(?<=[.?!])\s+/),
    )
    .filter((sentence) => sentence !== '')
}

const wordsIn = (sentence: string) => sentence.split(/\s+/).length

it('has a page for each rule, and no other', () => {
  const pages = readdirSync(folder).map((name) => name.replace(/\.md$/, ''))
  expect(pages.sort()).toEqual(rules.map(({ id }) => id as string).sort())
})

describe.each([...rules])('the page of $id', ({ id, severity, title }) => {
  const page = pageOf(id)

  it('begins with the id, the severity and the title of the rule', () => {
    expect(page.startsWith(`# ${id}\n\n**${severity}** · ${title}\n`)).toBe(true)
  })

  it('has each section once, in order', () => {
    expect(headingsOf(page)).toEqual(SECTIONS)
    for (const heading of SECTIONS) expect(sectionOf(page, heading), heading).not.toBe('')
  })

  it('explains the hole in three to six sentences', () => {
    const { length } = sentencesOf(sectionOf(page, 'What the hole is'))
    expect(length).toBeGreaterThanOrEqual(3)
    expect(length).toBeLessThanOrEqual(6)
  })

  it('shows SQL, and cites PostgreSQL for what PostgreSQL does', () => {
    expect(sectionOf(page, 'Example')).toContain('```sql\n')
    expect(sectionOf(page, 'Fix')).toContain('```sql\n')
    expect(withoutCode(sectionOf(page, 'Fix')).trim()).not.toBe('')
    expect(sectionOf(page, 'Why PostgreSQL does this')).toMatch(/\]\(https:\/\/www\.postgresql\.org\/docs\/current\//)
  })

  it('says in whole sentences when it is not reported', () => {
    const items = sectionOf(page, 'Not reported').split(/^- /m).slice(1)
    expect(items.length).toBeGreaterThan(0)
    for (const item of items) {
      expect(item.trim()).toMatch(/\.$/)
      expect(wordsIn(item), item).toBeGreaterThan(5)
    }
  })

  it(`has no sentence of more than ${MOST_WORDS} words`, () => {
    expect(sentencesOf(page).filter((sentence) => wordsIn(sentence) > MOST_WORDS)).toEqual([])
  })
})

it('notices a sentence that is too long, and reads past code and links', () => {
  const long = `${'word '.repeat(MOST_WORDS)}end.`
  const short = `See [a chapter](https://example.org/${'x'.repeat(9)}) and \`${'code '.repeat(60)}\`.\n\n- One.\n- Two.`
  const sql = `\`\`\`sql\n${'select 1 '.repeat(60)}\n\`\`\``
  expect(sentencesOf(`# Title\n\n${long} ${short}\n\n${sql}`).map(wordsIn)).toEqual([MOST_WORDS + 1, 5, 1, 1])
})
