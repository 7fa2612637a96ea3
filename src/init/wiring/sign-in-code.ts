import { reachedFiles } from '../code/reached-files.ts'
import { filesThatSign } from '../detection/own-tokens.ts'
import type { ByHand } from '../plan/init-plan.ts'
import { entryName } from './entry-name.ts'
import type { WireTask } from './wire-task.ts'

const COMPARES = /\b(?:compare|(?:verify|check|compare|validate)_?Passwords?|argon2?\.verify)\s*\(/i
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
  const sources = files
    .find(/\.[cm]?[jt]sx?$/)
    .filter((path) => !/(?:^|\/)(?:tests?|__tests__|seeds?|scripts)\/|\.(?:test|spec|config)\./.test(path))
    .filter((path) => !DEFINES_COMPARE.test(files.read(path) ?? ''))
  const compares = (path: string) => COMPARES.test(files.read(path) ?? '')
  const certain = sources.filter(
    (path) => signing.has(path) && (compares(path) || SIGNS_IN.test(files.read(path) ?? '')),
  )
  const isSure = certain.some(compares)
  return (isSure ? certain : sources.filter((path) => compares(path) || certain.includes(path))).map((path) => ({
    path,
    why: `it ${isSure || certain.includes(path) ? 'signs users in' : 'compares passwords. Code that signs users in runs'} before the tenant is known: use ${name} there, and for the sign-up. Requests of users who are signed in, such as a change of the password, stay on the usual connection${reached?.has(path) === false ? '. No import that begins at the entry leads to this file: if it is not used, leave it' : ''}`,
    lines: [],
  }))
}
