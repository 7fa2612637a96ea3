// The reference of the commands, from the help texts of the built program.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Fewer commands than this mean that the form of the help text has changed, and this script reads it wrongly. */
const COMMANDS_AT_LEAST = 10

/**
 * @param root folder of the repository, built
 * @returns the page: one section for each command and sub-command, with the text that `--help` prints
 */
export function cliReference(root) {
  const help = (words) =>
    execFileSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...words, '--help'], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    })
  const sections = []
  const add = (words) => {
    const text = help(words)
    const heading = `${'#'.repeat(Math.min(words.length + 1, 3))} partywall ${words.join(' ')}`
    sections.push(`${heading}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`)
    for (const name of subCommands(text)) add([...words, name])
  }
  for (const name of subCommands(help([]))) add([name])
  if (sections.length < COMMANDS_AT_LEAST) throw new Error(`partywall --help names only ${sections.length} commands`)
  return `# Commands\n\nThe texts that \`partywall COMMAND --help\` prints.\n\n${sections.join('\n')}`
}

function subCommands(help) {
  const list = /^Commands:\n((?: {2,}.*\n?)+)/m.exec(help)?.[1] ?? ''
  return [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name).filter((name) => name !== 'help')
}
