// The page that lists the rules of verify, from the first lines of their pages.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info']

/**
 * @param root folder of the repository
 * @returns id, severity and title of each rule, as docs/rules says them
 */
export function rulesOf(root) {
  const folder = join(root, 'docs', 'rules')
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => {
      const page = readFileSync(join(folder, name), 'utf8')
      const [, id, severity, title] = /^# (.+)\n\n\*\*(\w+)\*\* · (.+)\n/.exec(page) ?? []
      if (title === undefined) throw new Error(`docs/rules/${name} does not begin with id, severity and title`)
      return { id, severity, title }
    })
}

/**
 * @param rules of `rulesOf`
 * @returns the page: a table for each severity, the most severe first
 */
export function rulesIndex(rules) {
  const severities = [...new Set([...SEVERITIES, ...rules.map(({ severity }) => severity)])]
  const tables = severities
    .map((severity) => ({ severity, of: rules.filter((rule) => rule.severity === severity) }))
    .filter(({ of }) => of.length > 0)
    .map(({ severity, of }) => {
      const heading = `${severity[0].toUpperCase()}${severity.slice(1)}`
      const rows = of.map(({ id, title }) => `| [${id}](./${id}.md) | ${title.replaceAll('<', '&lt;')} |`)
      return `## ${heading}\n\n| rule | what it reports |\n|---|---|\n${rows.join('\n')}\n`
    })
  return `# Rules of verify\n\n\`partywall verify\` knows ${rules.length} kinds of holes.\n\n${tables.join('\n')}`
}
