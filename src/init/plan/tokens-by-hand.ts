import { parseEnv } from 'node:util'
import { filesThatSign, type OwnTokens } from '../detection/own-tokens.ts'
import type { ProjectFiles } from '../project-files.ts'
import type { ByHand, TenantFacts } from './init-plan.ts'

/**
 * What a person must do so that `auth.verify` accepts the application's tokens.
 *
 * @param path the file of the wall
 * @param tokens undefined: no code was found that signs a token with the tenant in it
 */
export function tokensByHand(
  files: ProjectFiles,
  path: string,
  facts: TenantFacts,
  tokens: OwnTokens | undefined,
): readonly ByHand[] {
  return tokens === undefined ? [verifyByHand(files, path, facts)] : readTokens(files, path, tokens)
}

function readTokens(
  files: ProjectFiles,
  path: string,
  { others, path: first, secretVariable, isUserKnown, userClaim, expires }: OwnTokens,
): readonly ByHand[] {
  const secret = parseEnv(files.read('.env') ?? '')[secretVariable]
  return [
    ...(others.length === 0
      ? []
      : [
          {
            path,
            why: `auth.verify reads the claims of ${first}, but ${others.join(' and ')} signs tokens with other claims. Keep the names of the tokens that your application really uses`,
            lines: [],
          },
        ]),
    ...(isUserKnown
      ? []
      : [
          {
            path,
            why: `auth.verify reads the user from the claim ${userClaim}, and refuses tokens without it. Which claim of ${first} names the user is not known: name it in sharedSecretTokens({ user }), or add ${userClaim} where the token is signed`,
            lines: [],
          },
        ]),
    ...(expires
      ? []
      : [
          {
            path: first,
            why: 'no code was found that gives its tokens an expiry, and auth.verify refuses tokens without one: add expiresIn where they are signed',
            lines: [],
          },
        ]),
    ...(secret === undefined || Buffer.byteLength(secret) >= LEAST_SECRET
      ? []
      : [
          {
            path: '.env',
            why: `${secretVariable} has ${Buffer.byteLength(secret)} bytes. RFC 7518 asks for at least ${LEAST_SECRET}, and auth.verify refuses less: set a new one (openssl rand -hex 32). Users sign in again`,
            lines: [],
          },
        ]),
  ]
}

/** The bytes of a secret for HS256. @see RFC 7518 section 3.2 */
const LEAST_SECRET = 32

function verifyByHand(files: ProjectFiles, path: string, { column }: TenantFacts): ByHand {
  const signs = filesThatSign(files)
  const why =
    signs.length === 0
      ? 'no code was found that signs tokens'
      : `${signs.join(' and ')} ${signs.length === 1 ? 'signs' : 'sign'} tokens, but no claim such as ${column} could be read there. If the tokens do not name the tenant, add such a claim first`
  return { path, why: `write auth.verify: ${why}. See "Tokens" in docs/init.md of partywall`, lines: [] }
}
