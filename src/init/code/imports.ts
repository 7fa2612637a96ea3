import type { CodeStyle } from '../detection/stack.ts'

/** An import or a require of names, in the style of the project. */
export function importLine(style: CodeStyle, names: readonly string[], from: string): string {
  const list = `{ ${names.join(', ')} }`
  return style.modules === 'commonjs' ? `const ${list} = require('${from}')` : `import ${list} from '${from}'`
}

/** The path by which one file of the project imports another, such as `../partywall.js`. */
export function importPath(style: CodeStyle, from: string, to: string): string {
  const folder = from.split('/').slice(0, -1)
  const parts = to.replace(/\.[cm]?[jt]s$/, '').split('/')
  let shared = 0
  while (shared < folder.length && shared < parts.length - 1 && folder[shared] === parts[shared]) shared++
  const up = folder.length - shared
  const path = [...Array<string>(up).fill('..'), ...parts.slice(shared)].join('/')
  return `${up === 0 ? './' : ''}${path}${style.importEnding}`
}

/** Adds lines after the last import at the top level of a file, else at its beginning. */
export function addImports(text: string, lines: readonly string[]): string {
  const semicolons = /^import .*;\s*$/m.test(text) || /require\(.*\);\s*$/m.test(text)
  const block = lines.map((line) => `${line}${semicolons ? ';' : ''}\n`).join('')
  const last = [
    ...text.matchAll(/^(?:import\b[^\n]*|\} from [^\n]*|(?:const|let|var) [^\n]*= require\([^\n]*)\n/gm),
  ].at(-1)
  if (last !== undefined) {
    const at = last.index + last[0].length
    return text.slice(0, at) + block + text.slice(at)
  }
  const start = /^(?:#![^\n]*\n|['"]use strict['"];?\n)*/.exec(text)?.[0].length ?? 0
  return text.slice(0, start) + block + text.slice(start)
}

/** Removes the import of pg, if the text no longer uses its names. */
export function dropUnusedPg(text: string): string {
  const match =
    /^(?:import (?:type )?([^'"\n]{1,200}) from ['"]pg['"]|const ([^=\n]{1,200}) = require\(['"]pg['"]\)(?:\.\w{1,60})?);?\n/m.exec(
      text,
    )
  if (match === null) return text
  const without = text.replace(match[0], '')
  const words = new Set(without.split(/[^\w$]/))
  const names = (match[1] ?? match[2] ?? '')
    .split(/[^\w$]/)
    .filter((name) => name !== '' && name !== 'type' && name !== 'as')
  return names.some((name) => words.has(name)) ? text : without
}
