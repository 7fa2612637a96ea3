// Code blocks of a Markdown document.

/**
 * @param markdown a document
 * @returns its code blocks in order. `language` is the first word after the fence, `''` if there is none; `words` are the others;
 *   `line` is the line of the fence, from 1; `unchecked` is the reason from a comment `<!-- docs-check: not checked: REASON -->` in
 *   the lines above the fence, or undefined. The code has lost the indentation of its fence.
 */
export function blocksOf(markdown) {
  const blocks = []
  let open
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^( *)(`{3,})(.*)$/.exec(line)
    if (open === undefined && fence !== null) {
      const [language = '', ...words] = fence[3].trim().split(/\s+/)
      const unchecked = reasonAbove(markdown.split('\n'), index)
      open = { language, words, line: index + 1, unchecked, indent: fence[1].length, ticks: fence[2], code: [] }
    } else if (open !== undefined && fence !== null && fence[2].length >= open.ticks.length && fence[3].trim() === '') {
      const { indent, ticks: _ticks, code, ...rest } = open
      blocks.push({ ...rest, code: code.map((each) => each.replace(new RegExp(`^ {0,${indent}}`), '')).join('\n') })
      open = undefined
    } else open?.code.push(line)
  }
  if (open !== undefined) throw new Error(`the code block that begins in line ${open.line} has no end`)
  return blocks
}

function reasonAbove(lines, fence) {
  for (let index = fence - 1; index >= Math.max(0, fence - 3); index--) {
    const reason = /<!-- docs-check: not checked: (.+?) -->/.exec(lines[index])
    if (reason !== null) return reason[1]
    if (lines[index].trim() !== '') return undefined
  }
  return undefined
}

/**
 * @param markdown a document
 * @returns its text with spaces in the place of code blocks, so that lines and columns keep their numbers
 */
export function withoutCode(markdown) {
  return markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, (block) => block.replaceAll(/[^\n]/g, ' '))
}
