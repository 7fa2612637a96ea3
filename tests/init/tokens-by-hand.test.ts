// What a person must do so that the application's tokens are accepted.
import { describe, expect, it } from 'vitest'
import { filesThatSign, findOwnTokens } from '../../src/init/detection/own-tokens.ts'
import { tokensByHand } from '../../src/init/plan/tokens-by-hand.ts'
import { memoryProject } from './memory-project.ts'

const FACTS = {
  column: 'organization_id',
  table: 'public.organizations',
  schema: 'public',
  tableName: 'organizations',
  key: 'id',
  status: undefined,
  tier: undefined,
  schemas: ['public'],
  searchPath: ['public'],
  tables: ['public.organizations'],
  otherTables: [],
}

function asked(files: Readonly<Record<string, string>>) {
  const project = memoryProject(files)
  const tokens = findOwnTokens(project, ['organization_id'])
  return {
    tokens,
    why: tokensByHand(project, 'src/partywall.ts', FACTS, tokens).map(({ path, why }) => `${path}: ${why}`),
  }
}

const SIGNS =
  "jwt.sign({ sub: user.id, organizationId: user.organizationId, role }, process.env.JWT_SECRET, { expiresIn: '8h' })"
const LONG = `JWT_SECRET=${'x'.repeat(32)}\n`

describe('tokens', () => {
  it('need nothing where the code signs them with the tenant and a long secret', () => {
    const { tokens, why } = asked({ 'src/auth.ts': SIGNS, '.env': LONG })
    expect(tokens).toMatchObject({ tenantClaim: 'organizationId', roleClaim: 'role', userClaim: 'sub' })
    expect(why).toEqual([])
  })

  it('with a secret that is too short would all be refused, and init says so', () => {
    expect(asked({ 'src/auth.ts': SIGNS, '.env': 'JWT_SECRET=your_jwt_secret\n' }).why).toEqual([
      expect.stringMatching(/^\.env: JWT_SECRET has 15 bytes\. .* at least 32, .*openssl rand -hex 32/),
    ])
  })

  it('that a second file signs with other claims are named', () => {
    const other = 'jwt.sign({ userId: user.id, organization_id: id }, process.env.JWT_SECRET)'
    expect(asked({ 'src/a.ts': SIGNS, 'src/b.ts': other, '.env': LONG }).why).toEqual([
      expect.stringContaining('reads the claims of src/a.ts, but src/b.ts signs tokens with other claims'),
    ])
  })

  it('that name the user by id are read so, and what names the user is left to a person where no claim shows it', () => {
    const signed = (claims: string, rest = ", { expiresIn: '1h' }") =>
      asked({ 'src/auth.ts': `jwt.sign({ ${claims} }, process.env.JWT_SECRET${rest})`, '.env': LONG })
    const known = signed('id: user.id, organization_id: user.organization_id, role: user.role')
    expect(known.tokens?.userClaim).toBe('id')
    expect(known.why).toEqual([])
    expect(signed('organization_id, role').why).toEqual([
      expect.stringMatching(/src\/partywall\.ts: auth\.verify reads the user from the claim sub, .* is not known/),
    ])
    expect(signed('organization_id, role', ", { subject: user.id, expiresIn: '1h' }").why).toEqual([])
  })

  it('without an expiry would all be refused, and init says so', () => {
    const text = SIGNS.replace(", { expiresIn: '8h' }", '')
    expect(asked({ 'src/auth.ts': text, '.env': LONG }).why).toEqual([
      expect.stringContaining('src/auth.ts: no code was found that gives its tokens an expiry'),
    ])
  })

  it('that call the tenant by another name than the column are left to a person', () => {
    const other = 'jwt.sign({ sub: user.id, org: user.org }, process.env.JWT_SECRET)'
    const { tokens, why } = asked({ 'src/auth.ts': other, '.env': LONG })
    expect(tokens).toBeUndefined()
    expect(why.join()).toContain('src/auth.ts signs tokens, but no claim such as organization_id could be read there')
  })
})

it.each([
  ["import { sign } from 'jsonwebtoken'", 'sign'],
  ["import { sign as makeToken } from 'jsonwebtoken'", 'makeToken'],
  ["const { sign: makeToken } = require('jsonwebtoken')", 'makeToken'],
  ["import tokens from 'jsonwebtoken'", 'tokens.sign'],
  ["import { SignJWT as Signer } from 'jose'", 'new Signer'],
  ["import * as jose from 'jose'", 'new jose.SignJWT'],
])('finds the tokens of a file with %s', (imported, call) => {
  const text = `${imported}
// sign({ tenant: 1 })
const token = ${call}({ id: user.id, email, organizationId, scopes: user.roles.map(({ name }) => name) }, env.JWT_SECRET, { expiresIn: '1h' })`
  const { tokens, why } = asked({ 'src/users.ts': text, '.env': LONG })
  expect(tokens).toMatchObject({ secretVariable: 'JWT_SECRET', tenantClaim: 'organizationId', userClaim: 'id' })
  expect(why).toEqual([])
  expect(filesThatSign(memoryProject({ 'src/users.ts': text }))).toEqual(['src/users.ts'])
})
