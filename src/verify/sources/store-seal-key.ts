import type { Queryable } from '../../catalog/model.ts'
import { deriveSealKey } from '../../seal/seal-key.ts'

/** Stores the key of a root secret, if the database has the seal. Returns whether it has. */
export async function storeSealKey(db: Queryable, sealSecret: string): Promise<boolean> {
  const { rows } = await db.query<{ there: boolean }>(
    "select pg_catalog.to_regclass('partywall.seal_keys') is not null as there",
  )
  if (rows[0]?.there !== true) return false
  const key = deriveSealKey(sealSecret)
  await db.query(
    'insert into partywall.seal_keys (key_id, inner_pad, outer_pad) values ($1, $2, $3) on conflict (key_id) do nothing',
    [key.keyId, key.innerPad, key.outerPad],
  )
  return true
}
