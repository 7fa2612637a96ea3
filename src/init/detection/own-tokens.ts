import { reachedFiles } from '../code/reached-files.ts'
import { endOfPart } from '../code/source-text.ts'
import type { ProjectFiles } from '../project-files.ts'
import { withUsualNames } from './jwt-names.ts'
import { callsOf, signingWrappers } from './signing-wrappers.ts'

/** How the application signs its own tokens, as its code shows. */
export interface OwnTokens {
  /** The environment variable with the secret. */
  readonly secretVariable: string
  readonly tenantClaim: string
  readonly roleClaim: string | undefined
  readonly userClaim: string
  /** Whether the code shows that this claim names the user. Otherwise `userClaim` is a guess. */
  readonly isUserKnown: boolean
  /** Whether some code sets an expiry. */
  readonly expires: boolean
  /** The file in which a token is signed. */
  readonly path: string
  /**
   * Other files whose tokens also name the tenant, but with other claims than the tokens of `path`. If imports lead to `path`, the
   * list leaves out files to which none lead.
   */
  readonly others: readonly string[]
  /** Other files whose tokens name the tenant. The application's entry imports these files neither directly nor through other files. */
  readonly unreached: readonly string[]
  /** Whether imports lead from the application's entry to `path`; undefined if that is not known. */
  readonly isReached: boolean | undefined
}

/** The beginning of a call that signs a token, up to the first argument: `new SignJWT(`, `jwt.sign(`, `jwt.signAsync(`. */
const SIGNING = /(?:new\s+SignJWT|\.sign(?:Async)?|\bsign)\s*\(\s*(?:(?=\{)|(\w{1,64})\s*[,)])/g
/** `const payload: Payload = {` */
const OBJECTS = /\b(?:const|let|var)\s+(\w{1,64})\s*(?::[^=;]{1,120})?=\s*(?=\{)/g
/** Claims that name the user, the likeliest first. */
const USER_CLAIMS = ['sub', 'userId', 'user_id', 'uid', 'accountId', 'id', 'user', 'uuid']
const SECRETS =
  /(?:\b(?:process\.env|env|config|settings)(?:\.|\[['"])|\bconfig(?:Service)?\.get(?:OrThrow)?(?:<\w{1,40}>)?\(\s*['"])(\w*(?:JWT|AUTH|TOKEN|SESSION)\w*)/gi
/** Names of settings that contain a lifetime, an issuer, an audience or an algorithm, and not a secret. */
const NO_SECRET = /EXPIR|TTL|LIFETIME|MAX_?AGE|ISSUER|AUDIENCE|ALGORITHM/i

/**
 * Finds where the application signs tokens that name the tenant.
 *
 * @param tenantNames names of the tenant column, such as `org_id`; `orgId` is the same name
 */
export function findOwnTokens(files: ProjectFiles, tenantNames: readonly string[]): OwnTokens | undefined {
  const wanted = new Set(tenantNames.map(sameCase))
  const reached = reachedFiles(files)
  const mayRun = (path: string) => reached?.has(path) !== false
  let secret: string | undefined
  const found: { readonly names: readonly string[]; readonly path: string }[] = []
  const paths = files.find(/\.[cm]?[jt]s$/).filter((each) => !/\.(?:test|spec|config)\./.test(each))
  // A file that nothing imports may be obsolete, so look first at the files that may run.
  const ordered = [...paths.filter(mayRun), ...paths.filter((each) => !mayRun(each))]
  const codes = ordered.map((path) => ({ path, text: withUsualNames(files.read(path) ?? '') }))
  const wrappers = codes.flatMap(({ text }) => signingWrappers(text))
  for (const { path, text } of codes) {
    secret ??= secretOf(text)
    for (const names of [...signedIn(text), ...givenTo(text, wrappers)]) {
      if (names.some((name) => wanted.has(sameCase(name)))) found.push({ names, path })
    }
  }
  const [claims] = found
  if (secret === undefined || claims === undefined) return undefined
  const { names, path } = claims
  const tenantClaim = names.find((name) => wanted.has(sameCase(name))) ?? ''
  const has = (...some: readonly string[]) => some.find((name) => names.includes(name))
  const user = has(...USER_CLAIMS)
  const texts = paths.filter((each) => mayRun(each) || !mayRun(path)).map((each) => files.read(each) ?? '')
  return {
    secretVariable: secret,
    tenantClaim,
    roleClaim: has('role', 'roles'),
    userClaim: user ?? 'sub',
    isUserKnown: user !== undefined || texts.some((text) => /\bsubject\s*:|\.setSubject\s*\(/.test(text)),
    expires: texts.some((text) => /\bexpiresIn\b|\.setExpirationTime\s*\(|\bexp\s*:/.test(text)),
    path,
    others: found
      .filter((each) => each.path !== path && !(each.names.includes(tenantClaim) && each.names.join() === names.join()))
      .map((each) => each.path)
      .filter((each) => mayRun(each) || !mayRun(path)),
    unreached: [...new Set(found.map((each) => each.path))].filter((each) => each !== path && !mayRun(each)),
    isReached: reached?.has(path),
  }
}

/**
 * Returns the environment variable that holds the secret. A name that the code reads through a service (ConfigService) may be another
 * setting, so only a name in upper case is taken for an environment variable.
 */
function secretOf(text: string): string | undefined {
  const names = [...text.matchAll(SECRETS)].map(([, name = '']) => name)
  return names.find((name) => !NO_SECRET.test(name) && name === name.toUpperCase())
}

/** Returns the keys of each object that is given to a function which signs its parameter. */
function givenTo(text: string, wrappers: readonly string[]): readonly (readonly string[])[] {
  const objects = namedObjects(text)
  return callsOf(text, wrappers).flatMap((at) => {
    const [, space = '', name] = /^(\s*)(?:(?=\{)|(\w{1,64})\s*[,)])/.exec(text.slice(at, at + 200)) ?? []
    const open = name === undefined ? at + space.length : objects.get(name)
    return open === undefined || text[open] !== '{' ? [] : [keysOf(text, open)]
  })
}

/** The position of the object that each name holds: `const claims = {`. */
function namedObjects(text: string): ReadonlyMap<string | undefined, number> {
  return new Map([...text.matchAll(OBJECTS)].map((found) => [found[1], found.index + found[0].length] as const))
}

/** Returns the keys of each object that is signed. */
function signedIn(text: string): readonly (readonly string[])[] {
  const objects = namedObjects(text)
  return [...text.matchAll(SIGNING)].flatMap((found) => {
    const [whole, name] = found
    const open = name === undefined ? found.index + whole.length : objects.get(name)
    return open === undefined ? [] : [keysOf(text, open)]
  })
}

/** Returns the keys of the object that begins at position `open`. */
function keysOf(text: string, open: number): readonly string[] {
  const keys: string[] = []
  for (let at = open + 1; ; ) {
    const end = endOfPart(text, at)
    if (end === undefined) return keys
    keys.push(/^\s*['"]?(\w{1,64})/.exec(text.slice(at, end))?.[1] ?? '')
    if (text[end] !== ',') return keys
    at = end + 1
  }
}

/** Files that sign tokens with a JWT library, whatever their claims are. Files that the application loads come first. */
export function filesThatSign(files: ProjectFiles): readonly string[] {
  const reached = reachedFiles(files)
  const rank = (path: string) => (reached?.has(path) === false ? 1 : 0)
  return files
    .find(/\.[cm]?[jt]s$/)
    .filter((path) => !/\.(?:test|spec|config|d)\./.test(path))
    .filter((path) =>
      /new\s+SignJWT\b|\b(?:jwt|jsonwebtoken|jwtService)\.sign(?:Async)?\s*\(/i.test(
        withUsualNames(files.read(path) ?? ''),
      ),
    )
    .sort((a, b) => rank(a) - rank(b))
}

function sameCase(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}
