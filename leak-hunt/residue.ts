import pg from 'pg'
import type { TenantPool } from '../src/database/pool/create-tenant-pool.ts'
import { asTenant } from './hunt.ts'
import type { Ledger } from './ledger.ts'
import type { Stage } from './stage.ts'

interface Residue {
  readonly tenant: string
  readonly seal: string
  readonly path: string
  readonly read_only: string
  readonly cursors: number
  readonly channels: number
  readonly temporary: number
}

const EXPECTED: Residue = {
  tenant: '',
  seal: '',
  path: '"public", "pg_temp"',
  read_only: 'off',
  cursors: 0,
  channels: 0,
  temporary: 0,
}

/** Reads, without partywall, the state of a connection that no tenant uses. The role is left out, because each statement sets its own. */
const LEFT_BEHIND = `
  select coalesce(current_setting('app.current_tenant_id', true), '') as tenant,
         coalesce(current_setting('app.tenant_seal', true), '') as seal,
         current_setting('search_path') as path,
         current_setting('default_transaction_read_only') as read_only,
         (select count(*)::int from pg_cursors where is_holdable) as cursors,
         (select count(*)::int from pg_listening_channels()) as channels,
         (select count(*)::int from pg_class where relnamespace = pg_my_temp_schema()) as temporary`

/**
 * Checks every idle connection while nothing runs. It reads the connection directly, without partywall.
 *
 * The pool removes residue of a plain SELECT only before the next statement. So an honest tenant uses each connection first.
 */
export async function checkResidue(stage: Stage, ledger: Ledger): Promise<number> {
  for (const pool of stage.pools) await useEachConnection(stage, pool, honestTenants(stage))
  // Skip this behind a pooler: its connections can't be checked, and it resets each one for its next client.
  if (stage.pooled) return 0
  let looked = 0
  for (const client of stage.clients()) {
    const below = pg.Client.prototype.query.bind(client)
    const answer: pg.QueryResult<Residue> | undefined = await Promise.race([
      below<Residue>(LEFT_BEHIND).catch(() => undefined), // a broken connection leaves no residue
      new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1000).unref()),
    ])
    const row = answer?.rows[0]
    if (row === undefined) continue
    looked += 1
    const wrong = Object.entries(row).filter(([name, value]) => value !== EXPECTED[name as keyof Residue])
    if (wrong.length > 0) {
      const shown = wrong.map(([name, value]) => `${name} is ${name === 'seal' ? 'set' : JSON.stringify(value)}`)
      ledger.violate('residue on a connection', shown.join(', '))
    }
  }
  return looked
}

/** Uses several tenants in turn, because no single tenant may hold all connections of a pool. */
function honestTenants({ fleet }: Stage): readonly string[] {
  return fleet.tenants.filter((tenant) => !fleet.attackers.includes(tenant))
}

async function useEachConnection(stage: Stage, pool: TenantPool, tenantIds: readonly string[]): Promise<void> {
  const turns = Array.from({ length: pool.totalCount }, (_, at) => tenantIds[at % tenantIds.length] ?? '')
  const clients = await Promise.allSettled(turns.map((tenant) => asTenant(stage, tenant, () => pool.connect())))
  await Promise.all(
    clients.map(async (client, at) => {
      if (client.status === 'rejected') return // the connection broke meanwhile
      await asTenant(stage, turns[at] ?? '', () => client.value.query('select 1')).then(
        () => client.value.release(),
        (error: Error) => client.value.release(error),
      )
    }),
  )
}
