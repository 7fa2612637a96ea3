// The built command. Its keys and tokens are checked by the verifier that the application uses.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { forgeHmac } from '../setup/forge-token.ts'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

let folder: string
let database: TestDatabase
let tenant: TestTenant
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'partywall-token-'))
  database = await createTestDatabase()
  tenant = await createTestTenant(database)
  expect(token(['keygen']).code).toBe(0)
})
afterAll(() => rm(folder, { recursive: true }))

function token(flags: readonly string[], { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'token', ...flags], {
    cwd: folder,
    encoding: 'utf8',
    input,
    env: { ...process.env, NO_COLOR: '1', PARTYWALL_SEAL_SECRET: database.sealSecret, ...env },
  })
  return { code: status, output: stdout, errors: stderr }
}

const make = (...flags: readonly string[]) => token(['make', ...flags]).output.trim()
const explain = (input: string, ...flags: readonly string[]) =>
  token(['explain', '--jwks', 'partywall-dev.jwks.json', ...flags], { input })

describe('partywall token', () => {
  it('makes tokens that the verifier of the application accepts with the keys of the file', async () => {
    const verifier = createTokenVerifier({
      issuer: 'urn:partywall:development',
      keys: { jwks: JSON.parse(await readFile(join(folder, 'partywall-dev.jwks.json'), 'utf8')) },
      algorithms: ['ES256'],
      audience: 'development',
      tenantClaims: { tenant: 'org_id', roles: 'roles' },
    })
    const made = make('--tenant', 'acme', '--user', 'ann', '--role', 'owner', '--role', 'billing')
    expect(await verifier.verifyToken(made)).toMatchObject({
      tenantClaim: 'acme',
      userId: 'ann',
      roles: ['owner', 'billing'],
    })
    verifier.close()
  })

  it('keeps the private key to its owner, out of the public file, and overwrites none', async () => {
    if (process.platform !== 'win32') expect((await stat(join(folder, 'partywall-dev.jwk'))).mode & 0o077).toBe(0)
    expect(await readFile(join(folder, 'partywall-dev.jwks.json'), 'utf8')).not.toContain('"d"')
    const before = await readFile(join(folder, 'partywall-dev.jwk'), 'utf8')
    expect(token(['keygen'])).toMatchObject({ code: 2, errors: expect.stringContaining('may exist already') })
    expect(await readFile(join(folder, 'partywall-dev.jwk'), 'utf8')).toBe(before)
  })

  it.each([
    ['keygen', 'another'],
    ['make', '--tenant', 'acme'],
  ])('refuses %s where NODE_ENV is production', (...flags) => {
    const { code, output, errors } = token(flags, { env: { NODE_ENV: 'production' } })
    expect({ code, output }).toEqual({ code: 2, output: '' })
    expect(errors).toContain('NODE_ENV is production')
  })

  it('explains a token from standard input, and exits 0 only if it is accepted', () => {
    expect(explain(make('--tenant', 'acme'))).toMatchObject({
      code: 0,
      output: expect.stringContaining('The verifier accepts this token.'),
    })
    const refused = explain(make('--tenant', 'acme', '--claim', 'aud=elsewhere', '--claim', 'exp=1700000000'))
    expect(refused.code).toBe(1)
    expect(refused.output).toContain('✗ audience       aud "elsewhere"')
    expect(refused.output).toContain('the token ends before it begins')
  })

  it('says what to do about a token that ends before it begins', () => {
    const { output } = explain(make('--tenant', 'acme', '--claim', 'exp=1700000000'))
    expect(output).toContain('The claim exp is not after iat.')
    expect(output).not.toContain('shorter-lived')
  })

  it('makes the checks of sharedSecretTokens for a secret, and those of the issuer if one is named', () => {
    const secret = 'the secret of the application, of more than thirty-two characters'
    const exp = Math.floor(Date.now() / 1000) + 60
    const own = forgeHmac({ alg: 'HS256' }, { sub: 'ann', organizationId: 'acme', exp }, secret)
    const explainOwn = (...flags: readonly string[]) =>
      token(['explain', '--secret-env', 'JWT_SECRET', '--algorithm', 'HS256', ...flags], {
        input: own,
        env: { JWT_SECRET: secret },
      })
    const accepted = explainOwn('--tenant-claim', 'organizationId')
    expect(accepted).toMatchObject({ code: 0, output: expect.stringContaining('The verifier accepts this token.') })
    expect(accepted.output).not.toContain('issuer')
    const wrongClaim = explainOwn()
    expect(wrongClaim).toMatchObject({ code: 1, output: expect.stringContaining('tenant of sharedSecretTokens') })
    expect(explainOwn('--issuer', 'https://login.example')).toMatchObject({
      code: 1,
      output: expect.stringContaining('claim-missing (iss)'),
    })
    expect(explainOwn('--audience', 'api')).toMatchObject({
      code: 2,
      errors: expect.stringContaining('--audience is a setting of an issuer'),
    })
    expect(explainOwn('--algorithm', 'ES256')).toMatchObject({ code: 2, errors: expect.stringContaining('HS512') })
  })

  it('asks the directory: a tenant that is known, suspended, unknown, and an id in place of a key', async () => {
    const ask = (key: string) => explain(make('--tenant', key), '--database-url', database.appUrl)
    expect(ask(tenant.key)).toMatchObject({ code: 0, output: expect.stringContaining(`tenant ${tenant.id}, active`) })
    expect(ask('nobody')).toMatchObject({ code: 1, output: expect.stringContaining('no tenant with the key') })
    expect(ask(tenant.id)).toMatchObject({ code: 1, output: expect.stringContaining('by another key (a slug)') })
  })

  it('judges the rest of the token where the database has no directory', async () => {
    await database.admin('alter function partywall.tenant_by_key(text) rename to tenant_by_key_away')
    try {
      const ask = (...flags: readonly string[]) =>
        explain(make('--tenant', tenant.key), '--database-url', database.appUrl, ...flags)
      expect(ask()).toMatchObject({
        code: 0,
        errors: '',
        output: expect.stringMatching(
          /– directory +Not checked: the database has no function partywall\.tenant_by_key/,
        ),
      })
      expect(ask('--audience', 'another')).toMatchObject({ code: 1, errors: '' })
    } finally {
      await database.admin('alter function partywall.tenant_by_key_away(text) rename to tenant_by_key')
    }
  })

  it('says without a stack that the directory can not be asked, if the server is not there', () => {
    const { code, errors } = explain(make('--tenant', 'acme'), '--database-url', 'postgres://app@127.0.0.1:1/none')
    expect(code).toBe(2)
    expect(errors).toContain('--database-url: the database server does not answer there')
    expect(errors).not.toMatch(/internal error|\n\s+at /)
  })

  it('prints no character of a token that a terminal obeys', () => {
    const { output } = explain(make('--tenant', 'acme', '--claim', 'aud=\u001b[2Jx\u009b1m\u202e'))
    expect(output).toContain('\\u001b[2Jx\\u009b1m\\u202e')
    expect(output.replaceAll('\n', '')).toMatch(/^[\P{Cc}]*$/u)
    expect(output).not.toContain('\u202e')
  })

  it('says which keys are missing', () => {
    expect(token(['explain', 'abc'])).toMatchObject({ code: 2, errors: expect.stringContaining('--jwks-url') })
  })

  it('prints JSON for programs', () => {
    const { verdict, checks } = JSON.parse(explain(make('--tenant', 'acme'), '--json').output)
    expect(verdict).toBe('accepted')
    expect(checks).toContainEqual(expect.objectContaining({ check: 'signature', verdict: 'ok' }))
  })
})
