import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import { REFUSAL_REASONS } from '../../src/auth/refusal.ts'

const text = readFileSync(new URL('../../docs/auth.md', import.meta.url), 'utf8')
const recipes = [...text.matchAll(/```js recipe\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')

describe('docs/auth.md', () => {
  it('has recipes, and each makes a verifier that opens nothing', () => {
    expect(recipes.length).toBeGreaterThanOrEqual(9)
    for (const recipe of recipes) {
      const make: unknown = Function('createTokenVerifier', 'vault', `return ${recipe}`)
      const verifier: unknown = Reflect.apply(Object(make), undefined, [createTokenVerifier, { read: () => '' }])
      expect(verifier).toHaveProperty('verifyToken')
    }
  })

  it('explains each reason of a refusal', () => {
    for (const reason of REFUSAL_REASONS) expect(text).toContain(`\`${reason}\``)
  })
})
