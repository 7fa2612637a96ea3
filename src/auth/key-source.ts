import type { KeyObject } from 'node:crypto'
import type { Algorithm } from './algorithms.ts'
import type { KeySet } from './key-set.ts'
import { TokenRefusedError } from './refusal.ts'

/** The source of one issuer's keys. */
export interface KeySource {
  /**
   * Returns the key that belongs to a token's header.
   *
   * @throws {TokenRefusedError} `unknown-key`
   * @throws {DependencyUnavailableError} if the keys can't be fetched now, so that the token can't be verified
   */
  select(algorithm: Algorithm, kid: string | undefined): Promise<KeyObject>
  /** Resolves when keys are usable. */
  ready(): Promise<void>
  /** Ends timers and requests under way. */
  close(): void
}

/** Keys that are given once and never change. */
export function staticKeys(keys: KeySet): KeySource {
  return {
    async select(algorithm, kid) {
      const key = keys.find(algorithm, kid)
      if (key === undefined) throw new TokenRefusedError('unknown-key')
      return key
    },
    async ready() {},
    close() {},
  }
}
