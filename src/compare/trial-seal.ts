import { randomBytes } from 'node:crypto'
import type { ContextSealer } from '../verify/attack/contexts.ts'
import { sealerOf } from '../verify/attack/open-arena.ts'
import type { AttackSession } from '../verify/attack/session.ts'
import { storeSealKey } from '../verify/sources/store-seal-key.ts'

/**
 * Stores the key of a random secret in a copy, so that the sessions of a trial can make seals. The key is rolled back with the trial.
 * Undefined if the schema has no seal.
 */
export async function sealerOfTrial(session: AttackSession): Promise<ContextSealer | undefined> {
  const secret = randomBytes(32).toString('hex')
  return (await storeSealKey(session, secret)) ? sealerOf(session, secret) : undefined
}
