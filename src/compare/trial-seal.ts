import { randomBytes } from 'node:crypto'
import { deriveSealKey } from '../seal/seal-key.ts'
import type { ContextSealer } from '../verify/attack/contexts.ts'
import type { AttackSession } from '../verify/attack/session.ts'

/**
 * Stores the key of a random secret in a copy, so that the sessions of a trial can make seals. The key is rolled back with the trial.
 * Undefined if the schema has no seal.
 */
export async function sealerOfTrial(session: AttackSession): Promise<ContextSealer | undefined> {
  const { rows } = await session.query<{ sealed: boolean; pid: number; database: string }>(
    `select pg_catalog.to_regclass('partywall.seal_keys') is not null as sealed, pg_catalog.pg_backend_pid() as pid,
            pg_catalog.current_database()::text as database`,
  )
  const { sealed = false, pid: backendPid = 0, database = '' } = rows[0] ?? {}
  if (!sealed) return undefined
  const secret = randomBytes(32).toString('hex')
  const { keyId, innerPad, outerPad } = deriveSealKey(secret)
  await session.query('insert into partywall.seal_keys (key_id, inner_pad, outer_pad) values ($1, $2, $3)', [
    keyId,
    innerPad,
    outerPad,
  ])
  return { secret, database, backendPid }
}
