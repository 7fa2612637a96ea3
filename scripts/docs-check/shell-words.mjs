// Commands of a shell block, as far as documents use the shell: words, quotes, pipes, lists and comments.

/**
 * @param code of a block; `prompt`: only lines that begin with `$ ` are commands, the others are output
 * @returns one entry for each simple command: `line` from 0, and `words` without assignments, redirections and the brackets around
 *   optional words
 */
export function commandsOf(code, { prompt = false } = {}) {
  const joined = code.replaceAll(/\\\n/g, '  ')
  return joined.split('\n').flatMap((text, line) => {
    if (prompt && !text.startsWith('$ ')) return []
    return simpleCommands(prompt ? text.slice(2) : text).map((words) => ({ line, words: plainWords(words) }))
  })
}

function simpleCommands(text) {
  const commands = [[]]
  for (const [token] of text.matchAll(
    /(?:"(?:[^"\\]|\\.)*"|'[^']*'|\$\([^)]*\)|\\.|[^\s"'|;&#]|(?<=\S)#)+|#.*$|&&|\|\||[|;&]/g,
  )) {
    if (token.startsWith('#')) break
    if (/^(&&|\|\||[|;&])$/.test(token)) commands.push([])
    else commands.at(-1).push(token)
  }
  return commands.filter((words) => words.length > 0)
}

const REDIRECTION = /^\d?[<>]{1,2}/

function plainWords(tokens) {
  const words = []
  for (const [index, token] of tokens.entries()) {
    if (REDIRECTION.test(token) || (index > 0 && /^\d?[<>]{1,2}$/.test(tokens[index - 1]))) continue
    if (words.length === 0 && /^([A-Z_][A-Z0-9_]*=|(do|then|done|for|if)$)/.test(token)) continue
    words.push(token.replaceAll(/["'[\]]/g, ''))
  }
  return words.filter((word) => word !== '')
}
