// No regular expression may take more than linear time: one that reads SQL, a header, a token or a body would let its sender stop the
// event loop. Looks at every literal of src/ and cli/, with the analysis that eslint-plugin-regexp is made of. Counts what it looked at.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { analyse } from 'scslre'
import ts from 'typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
// Folders of one's own may be named, for the test of this check.
const given = process.argv.slice(2)
const FOLDERS = given.length > 0 ? given : ['src', 'cli']

/** What is known and left, with the reason. An entry that nothing needs any more is a problem of its own. */
const KNOWN = new Map([
  ['src/guards/json-keys.ts', { reason: 'made of escaped names of fields', sources: ['new RegExp'] }],
  ...[
    ['src/verify/attack/control.ts', ['new RegExp']],
    ['src/verify/attack/partition-literals.ts', ['\\((.*)\\)$']],
    ['src/verify/attack/sample-pattern.ts', ['^\\{(\\d+)(,?)(\\d*)\\}']],
    ['src/verify/attack/argument-names.ts', ['^(?:p|in|arg|v|the|wanted)?_+|_+(?:in|arg|param)?$']],
    ['src/tenancy/discovery/tenant-names.ts', ['^_+|_+$']],
    ['src/prove/casts.ts', ['\\(.*\\)']],
    ['src/verify/readings/foreign-keys.ts', ['\\((.*)\\)$']],
    ['src/verify/sources/locate-objects.ts', ['\\(.*$']],
    ['src/verify/sources/placeholders.ts', ['\\{\\{.*?\\}\\}']],
    ['src/verify/sources/platform-prelude.ts', ['new RegExp']],
    ['src/sql/bodies.ts', ['^\\s*[\\w$.\\s]+:?=$']],
  ].map(([file, sources]) => [
    file,
    { reason: "a command of its own, which reads short texts of the developer's own schema", sources },
  ]),
])

let looked = 0
const needed = new Set()
const problems = []
for (const folder of FOLDERS) {
  for (const entry of readdirSync(resolve(root, folder), { recursive: true })) {
    if (entry.endsWith('.ts')) look(resolve(root, folder, entry))
  }
}
for (const [file, { sources }] of given.length > 0 ? [] : KNOWN) {
  for (const source of sources) {
    if (!needed.has(`${file} ${source}`))
      problems.push(`${file}: ${source} is listed as known, and is not there any more.`)
  }
}
console.log(`regular expressions: ${looked} looked at, ${problems.length} super-linear or unreadable`)
for (const problem of problems) console.error(problem)
if (looked === 0) console.error('No regular expression was found: the check itself is broken.')
process.exitCode = looked === 0 || problems.length > 0 ? 1 : 0

function look(path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const visit = (node) => {
    if (node.kind === ts.SyntaxKind.RegularExpressionLiteral) {
      const end = node.text.lastIndexOf('/')
      judge(node, { source: node.text.slice(1, end), flags: node.text.slice(end + 1) })
    } else if (madeAtRunTime(node)) {
      if (isKnown(node, 'new RegExp')) return
      const where = placeOf(node)
      problems.push(`${where}: new RegExp(…) can't be looked at. Write a literal, or compare strings.`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
}

function madeAtRunTime(node) {
  return (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp'
}

/** `Move` in a report: a match that fails is tried again from each following character. */
function judge(node, literal) {
  looked++
  let reports
  try {
    reports = analyse(literal, { assumeRejectingSuffix: false }).reports
  } catch (error) {
    problems.push(`${placeOf(node)}: /${literal.source}/ can't be read: ${error.message}`)
    return
  }
  if (reports.length > 0 && isKnown(node, literal.source)) return
  for (const { type, character, exponential } of reports) {
    const how = exponential ? 'exponential' : 'super-linear'
    problems.push(
      `${placeOf(node)}: /${literal.source}/${literal.flags} takes ${how} time on many ${JSON.stringify(character.pick)} (${type}). Bound the quantifier, anchor it, or scan by hand.`,
    )
  }
}

function isKnown(node, source) {
  const file = relative(root, node.getSourceFile().fileName).replaceAll('\\', '/')
  if (KNOWN.get(file)?.sources.includes(source) !== true) return false
  needed.add(`${file} ${source}`)
  return true
}

function placeOf(node) {
  const file = node.getSourceFile()
  return `${relative(root, file.fileName)}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
}
