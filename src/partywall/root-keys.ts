import type { SealOptions } from '../database/settings/options.ts'
import { ConfigurationError } from '../errors.ts'
import { deriveKey, type KeyPurpose } from '../seal/seal-key.ts'

/**
 * Returns the keys of one purpose, the current one first. A secret that is a function is called once.
 *
 * @param what the feature that needs the keys, for the error if there is no secret
 */
export function rootKeys(
  seal: SealOptions | false,
  purpose: KeyPurpose,
  what: string,
): () => Promise<readonly Buffer[]> {
  let loaded: Promise<readonly Buffer[]> | undefined
  return () => {
    if (seal === false)
      return Promise.reject(new ConfigurationError(`${what} needs seal.secret: with seal: false there is no key.`))
    loaded ??= load(seal, purpose).catch((error: unknown) => {
      loaded = undefined
      throw error
    })
    return loaded
  }
}

async function load({ secret, previousSecret }: SealOptions, purpose: KeyPurpose): Promise<readonly Buffer[]> {
  const sources = previousSecret === undefined ? [secret] : [secret, previousSecret]
  const secrets = await Promise.all(sources.map((source) => (typeof source === 'function' ? source() : source)))
  return secrets.map((text) => {
    if (text === undefined) throw new ConfigurationError('seal.secret is undefined: set its environment variable.')
    return deriveKey(text, purpose)
  })
}
