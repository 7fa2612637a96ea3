import { readFile, writeFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { z } from 'zod'
import { parseOptions } from '../../src/config/parse-options.ts'
import { ConfigurationError } from '../../src/errors.ts'
import {
  generateDevelopmentKeys,
  refuseInProduction,
  signDevelopmentToken,
} from '../../src/testing/development-issuer.ts'

const text = z.string().min(1)
const makeSchema = z.strictObject({
  tenant: text,
  user: text,
  role: z.array(text).default([]),
  key: text,
  issuer: text,
  audience: text,
  tenantClaim: text,
  rolesClaim: text,
  claim: z.array(z.string().regex(/^[^=]+=/, 'must have the form name=json')).default([]),
  minutes: z.coerce.number('must be a number of minutes').positive().max(1_440),
})

/** `partywall token keygen`. */
export async function keygen(prefix: string): Promise<void> {
  refuseInProduction()
  const { privateKey, jwks } = await generateDevelopmentKeys()
  // wx: fail if the file exists, because other developers may use the old key.
  const write = (path: string, value: unknown, mode: number) =>
    writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`, { mode, flag: 'wx' }).catch((cause: unknown) => {
      throw new ConfigurationError(`${path} could not be created; it may exist already. Choose another name.`, {
        cause,
      })
    })
  await write(`${prefix}.jwk`, privateKey, 0o600)
  await write(`${prefix}.jwks.json`, jwks, 0o644)
  console.log(
    `${prefix}.jwk        signs tokens; keep it out of the repository (.gitignore)\n` +
      `${prefix}.jwks.json  give it to auth.keys.jwks in development, and nowhere else`,
  )
}

/** `partywall token make`. The token is the only line on standard output. */
export async function make(flags: unknown): Promise<void> {
  refuseInProduction()
  const options = parseOptions(makeSchema, flags, 'partywall token make')
  const token = await signDevelopmentToken(await readKey(options.key), {
    issuer: options.issuer,
    audience: options.audience,
    userId: options.user,
    lifetimeSeconds: Math.round(options.minutes * 60),
    claims: {
      [options.tenantClaim]: options.tenant,
      [options.rolesClaim]: options.role,
      ...Object.fromEntries(options.claim.map(readClaim)),
    },
  })
  console.log(token)
}

async function readKey(path: string): Promise<JWK> {
  const content = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ConfigurationError(`The key ${path} could not be read. Make one: partywall token keygen`, { cause })
  })
  try {
    return JSON.parse(content)
  } catch (cause) {
    throw new ConfigurationError(`The key ${path} is not JSON. Make one: partywall token keygen`, { cause })
  }
}

function readClaim(claim: string): readonly [string, unknown] {
  const at = claim.indexOf('=')
  const [name, value] = [claim.slice(0, at), claim.slice(at + 1)]
  try {
    return [name, JSON.parse(value)]
  } catch {
    // A word without quotes is meant as text.
    return [name, value]
  }
}
