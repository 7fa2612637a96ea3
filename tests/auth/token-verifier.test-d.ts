import { expectTypeOf } from 'vitest'
import { createTokenVerifier, type RawClaims, type TokenVerifier, type VerifiedToken } from '../../src/auth/index.ts'

interface MyClaims {
  readonly plan: string
}

const options = {
  issuer: 'https://idp.example',
  keys: { jwksUrl: 'https://idp.example/jwks' },
  algorithms: ['ES256'],
  audience: 'api',
  tenantClaims: { tenant: 'org_id' },
} as const

const plain = createTokenVerifier(options)
expectTypeOf(plain.verifyToken).returns.resolves.toEqualTypeOf<VerifiedToken<RawClaims>>()

const typed = createTokenVerifier({
  ...options,
  claims: (raw): MyClaims => ({ plan: String(raw['plan']) }),
  authorize: ({ claims, tenant }) => claims.plan !== '' && tenant.id !== '',
})
expectTypeOf(typed.verifyToken).returns.resolves.toEqualTypeOf<VerifiedToken<MyClaims>>()
// Whoever holds any verifier may ask for one that does not care about the claims.
expectTypeOf(typed).toExtend<TokenVerifier<unknown>>()

// @ts-expect-error an algorithm that can't be configured
createTokenVerifier({ ...options, algorithms: ['none'] })
// @ts-expect-error without keys
createTokenVerifier({ issuer: 'https://idp.example', algorithms: ['ES256'], audience: 'api' })
