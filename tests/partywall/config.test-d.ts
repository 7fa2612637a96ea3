import { expectTypeOf, it } from 'vitest'
import { sharedSecretTokens } from '../../src/auth/shared-secret-tokens.ts'
import type { PartywallConfig } from '../../src/partywall/config.ts'

it('the question to authorize has a type beside a verifier of the application', () => {
  const auth: PartywallConfig['auth'] = {
    verify: sharedSecretTokens({ secret: undefined, tenant: 'org_id' }),
    authorize: ({ userId, tenant }) => {
      expectTypeOf(userId).toEqualTypeOf<string>()
      expectTypeOf(tenant.id).toEqualTypeOf<string>()
      return true
    },
  }
  expectTypeOf(auth).toExtend<PartywallConfig['auth']>()
})
