import { withoutComments } from '../code/source-text.ts'

const LIBRARIES = ["'jsonwebtoken'", '"jsonwebtoken"', "'jose'", '"jose"']

/** The names that imports and requires of the libraries give: `{ sign as signToken }`, `jwt`, `* as jose`. */
function importedNames(code: string): readonly string[] {
  const flat = code.replace(/\s+/g, ' ')
  return LIBRARIES.flatMap((library) =>
    flat
      .split(library)
      .slice(0, -1)
      .flatMap((before) => {
        const near = before.slice(-300)
        const words = ['import ', 'const ', 'let ', 'var ']
        const [start = -1] = words
          .flatMap((word) => {
            const at = near.lastIndexOf(word)
            return at < 0 ? [] : [at + word.length]
          })
          .sort((x, y) => y - x)
        return start < 0 ? [] : [near.slice(start)]
      }),
  )
}

/**
 * The code without comments, in which calls of jsonwebtoken and jose have their usual names: `sign(…)` of `import { sign }` becomes
 * `jwt.sign(…)`, and so does that of `import { sign as signToken }` and of `import tokens`.
 */
export function withUsualNames(text: string): string {
  if (!/['"](?:jsonwebtoken|jose)['"]/.test(text)) return withoutComments(text)
  const code = withoutComments(text)
  const usual = new Map<string, string>()
  const whole = new Set<string>()
  for (const names of importedNames(code)) {
    const list = names.includes('{') ? names.slice(names.indexOf('{') + 1) : ''
    for (const [, name = '', alias] of list.matchAll(/\b(sign|SignJWT)\b(?:\s*(?:as\s|:)\s*(\w{1,64}))?/g))
      usual.set(alias ?? name, name === 'sign' ? 'jwt.sign' : name)
    const own = /^(?:\*\s*as\s+)?(\w{1,64})/.exec(names)?.[1]
    if (own !== undefined && own !== 'type') whole.add(own)
  }
  return code
    .replace(/(?<![.\w$])(\w{1,64})(?=\s*\()/g, (name: string) => usual.get(name) ?? name)
    .replace(/(?<![.\w$])(\w{1,64})\.(sign|SignJWT)(?=\s*\()/g, (found: string, name: string, member: string) =>
      whole.has(name) ? (member === 'sign' ? 'jwt.sign' : member) : found,
    )
}
