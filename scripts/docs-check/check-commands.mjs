// Commands in documents: the flags of partywall are those of the program, and the scripts of npm exist.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { withoutCode } from './blocks.mjs'
import { commandsOf } from './shell-words.mjs'

/** Programs whose commands are looked at. */
const KNOWN = new Set(['npm', 'npx', 'partywall'])

/** Commands of npm that are no scripts. */
const NPM = new Set(['ci', 'install', 'test', 'run', 'exec', 'view', 'audit'])

/**
 * @param root folder of the repository, built
 * @returns a function of words that returns why the command is wrong, or undefined. `partial`: required options may be missing
 */
export async function commandChecker(root) {
  const { createProgram } = await import(join(root, 'dist', 'cli', 'program.js'))
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return (words, { partial = false } = {}) => {
    const own = ownWords(words)
    if (own !== undefined) return refusalOf(createProgram, own, partial)
    if (words[0] !== 'npm') return undefined
    if (words[1] === 'run')
      return scripts[script(words)] === undefined ? `there is no npm run ${script(words)}` : undefined
    return NPM.has(words[1]) ? undefined : `npm ${words[1]} is not known here`
  }
}

const HELP = ['commander.helpDisplayed', 'commander.version']
const MISSING = ['missingMandatoryOptionValue', 'optionMissingArgument', 'missingArgument', 'help'].map(
  (what) => `commander.${what}`,
)

const script = (words) => words.slice(2).find((word) => !word.startsWith('-'))

/** The words after `partywall`, or undefined if the command is another one. */
function ownWords(words) {
  let rest = words
  if (rest[0] === 'npx') rest = rest.slice(1).filter((word, index) => index > 0 || word !== '--no-install')
  return rest[0] === 'partywall' ? rest.slice(1) : undefined
}

/** What the program's own parser says. The action of the command is replaced, so that nothing runs. */
function refusalOf(createProgram, words, partial) {
  const program = createProgram()
  let parsed = false
  const quiet = (command) => {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} })
    if (command.commands.length === 0)
      command.action(() => {
        parsed = true
      })
    for (const each of command.commands) quiet(each)
  }
  quiet(program)
  try {
    program.parse(words, { from: 'user' })
  } catch (error) {
    const fine = partial ? [...HELP, ...MISSING] : HELP
    return fine.includes(error.code) ? undefined : error.message
  }
  return parsed ? undefined : 'names no command of partywall'
}

/**
 * @param block of `blocksOf`
 * @param check of `commandChecker`
 * @returns `commands`: how many were looked at; `faults`: `line` in the document, `message`
 */
export function checkShell({ language, code, line }, check) {
  const prompt = language === 'console' || /^\$ /m.test(code)
  const commands = commandsOf(code, { prompt }).filter(({ words }) => KNOWN.has(words[0]))
  const faults = commands.flatMap(({ line: inside, words }) => {
    const why = check(words)
    return why === undefined ? [] : [{ line: line + 1 + inside, message: `${words.join(' ')}: ${why}` }]
  })
  return { commands: commands.length, faults }
}

/**
 * Commands inside a sentence, such as `partywall verify --static`. Those with an ellipsis are parts of a command.
 *
 * @param markdown a document
 * @param check of `commandChecker`
 * @returns as `checkShell`
 */
export function checkInline(markdown, check) {
  const commands = [...withoutCode(markdown).matchAll(/`((?:npx )?partywall [a-z][^`\n…]*|npm run [^`\n…]*)`/g)]
  const faults = commands.flatMap(({ 1: code, index }) => {
    const why = commandsOf(code)
      .map(({ words }) => check(words, { partial: true }))
      .find((each) => each !== undefined)
    return why === undefined ? [] : [{ line: markdown.slice(0, index).split('\n').length, message: `${code}: ${why}` }]
  })
  return { commands: commands.length, faults }
}
