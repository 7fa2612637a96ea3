import type pg from 'pg'
import type { Reading } from './explanation.ts'
import type { TenantSubject } from './tenant-session.ts'

/**
 * Whether the database accepts the seal, in the session of the tenant. It refuses a seal of a suspended tenant, a seal made with another
 * secret, and a seal of a tenant that is placed elsewhere.
 */
export async function readSeal(client: pg.Client, { tenant, secret }: TenantSubject): Promise<Reading> {
  const what = 'the seal'
  if (secret === undefined) {
    return {
      what,
      verdict: 'unknown',
      sentence:
        'The tables are sealed, and the root secret is not known here. Set PARTYWALL_SEAL_SECRET to the secret of the application.',
    }
  }
  await client.query('savepoint seal')
  try {
    const { rows } = await client.query<{ tenant: string | null }>('select partywall.tenant_id()::text as tenant')
    await client.query('release savepoint seal')
    if (rows[0]?.tenant === tenant) return { what, verdict: 'passes', sentence: 'The database accepts it.' }
    return { what, verdict: 'hides', sentence: 'The database refuses it, and so the session belongs to no tenant.' }
  } catch (error) {
    await client.query('rollback to savepoint seal')
    const message = error instanceof Error ? error.message : String(error)
    return { what, verdict: 'hides', sentence: `The database refuses it: ${message}.` }
  }
}
