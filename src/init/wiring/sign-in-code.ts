import { importsOf, reachedFiles } from '../code/reached-files.ts'
import { codeMatches } from '../code/source-text.ts'
import { filesThatSign } from '../detection/own-tokens.ts'
import type { ByHand } from '../plan/init-plan.ts'
import { entryName } from './entry-name.ts'
import type { WireTask } from './wire-task.ts'

const COMPARES = /\b(?:compare|(?:verify|check|compare|validate)_?Passwords?|argon2?\.verify)\s*\(/i
const VERIFY_OF_ARGON =
  /\{[^{}]{0,200}\bverify\b[^{}]{0,200}\}\s*(?:from\s*|=\s*require\(\s*)['"](?:@node-rs\/)?argon2['"]/
const DEFINES_COMPARE = /export (?:async )?function (?:verify|check|compare|validate)_?Passwords?\b/i
const SIGNS_IN = /\b(?:log|sign)_?in\w*\s*[(=:]/i

/**
 * Code that signs users in runs before the tenant is known: a file that signs a token, and also compares a password or has a function for
 * the sign-in. A file that only compares passwords may change the password of a user who is signed in. So it is reported only if no file
 * does both.
 */
export function signInCode(task: WireTask): readonly ByHand[] {
  const { files } = task
  const name = entryName(task)
  const signing = new Set(filesThatSign(files))
  const reached = reachedFiles(files)
  const all = files
    .find(/\.[cm]?[jt]sx?$/)
    .filter((path) => !/(?:^|\/)(?:tests?|__tests__|seeds?|scripts)\/|\.(?:test|spec|config)\./.test(path))
  const usesIt = all.filter((path) => !DEFINES_COMPARE.test(files.read(path) ?? ''))
  const compares = (path: string) =>
    [COMPARES, VERIFY_OF_ARGON].some((pattern) => codeMatches(files.read(path) ?? '', pattern))
  // A helper counts only if no file is known that uses it.
  const sources = usesIt.some((path) => compares(path) || signing.has(path)) ? usesIt : all
  const certain = sources.filter(
    (path) => signing.has(path) && (compares(path) || SIGNS_IN.test(files.read(path) ?? '')),
  )
  const isSure = certain.some(compares)
  const found = isSure ? certain : sources.filter((path) => compares(path) || certain.includes(path))
  const places = new Map(found.flatMap((path) => placesOf(task, sources, path).map((place) => [place, path] as const)))
  return [...places].map(([path, from]) => ({
    path,
    why: `it ${isSure || certain.includes(from) ? 'signs users in' : `${from === path ? '' : `asks the database for ${from}, which `}compares ${comparedIn(files, from)}. Code that signs users in runs`} before the tenant is known: use ${name} there, and for the sign-up. Requests of users who are signed in, such as a change of the password, stay on the usual connection${reached?.has(path) === false ? '. No import that begins at the entry leads to this file: if it is not used, leave it' : ''}`,
    lines: [],
  }))
}

const QUERIES =
  /\.\$?(?:query\w*|execute\w*|raw|find\w*|select\w*|where|insert\w*|create\w*|update\w*|save|count)\s?[(<`]|from ['"](?:pg|drizzle-orm|typeorm|knex|kysely|sequelize)\b/

/**
 * The files whose connection must change, for a file that compares: itself, if it or what it imports asks the database; else those that
 * import it and ask the database so. The file itself, if nothing is found.
 */
function placesOf({ files }: WireTask, sources: readonly string[], path: string): readonly string[] {
  const asks = (each: string) => QUERIES.test(files.read(each) ?? '')
  const isNear = (each: string) => asks(each) || importsOf(files, each).some((next) => next !== path && asks(next))
  if (isNear(path)) return [path]
  const users = sources.filter((each) => importsOf(files, each).includes(path) && isNear(each))
  // A file that asks by what it imports: the look-ups are there. Those of the same subject come first.
  const subject = lastWord(path)
  const lookups = users.flatMap((user) =>
    asks(user) ? [user] : importsOf(files, user).filter((next) => asks(next) && lastWord(next).startsWith(subject)),
  )
  const places = lookups.length > 0 ? lookups : users
  return places.length > 0 ? [...new Set(places)] : [path]
}

/** `api-key` of `src/repositories/api-key.repository.ts`. */
function lastWord(path: string): string {
  return (path.split('/').at(-1) ?? '').split('.')[0] ?? ''
}

function comparedIn(files: WireTask['files'], path: string): 'passwords' | 'credentials' {
  const text = `${path}\n${files.read(path) ?? ''}`
  return /passw/i.test(text) || !/key|token|secret|otp/i.test(text) ? 'passwords' : 'credentials'
}
