// A database as the release before left it: the seal without tickets. The hunt upgrades it while statements run.
import type pg from 'pg'
import { codeOf } from '../src/config/connection-problem.ts'
import type { TenantPool } from '../src/database/pool/create-tenant-pool.ts'
import { makeSettings } from '../src/database/pool/make-settings.ts'
import { runTransaction, type TenantTransaction, type TransactionOptions } from '../src/database/pool/transaction.ts'
import { WalledPool } from '../src/database/pool/walled-pool.ts'
import type { TenantPoolOptions } from '../src/database/settings/options.ts'
import type { CopyIntoOptions, CopyRows } from '../src/database/statement/copy-into.ts'
import { readOwnMigrations } from '../src/migrate/own-migrations.ts'
import { SEALED_FOR_WRITING, sealedRow, sealedRowBefore } from '../src/seal/policy-text.ts'
import { deriveSealKey } from '../src/seal/seal-key.ts'

const LOCK_NOT_AVAILABLE = '55P03'
/** The first migration of this release, which brings the tickets. */
const FIRST_OF_THIS_RELEASE = '0016'

/** Applies partywall's own migrations up to the one that brings the tickets, and records the key of `sealSecret`. */
export async function migrateToReleaseBefore(client: pg.ClientBase | pg.Pool, sealSecret: string): Promise<void> {
  for (const { name, sql, checksum } of await readOwnMigrations()) {
    if (name >= FIRST_OF_THIS_RELEASE) break
    await client.query(`begin; ${sql}; commit`)
    if (name.startsWith('0000')) continue
    await client.query('insert into partywall.migrations (name, checksum) values ($1, $2)', [name, checksum])
  }
  const { keyId, innerPad, outerPad } = deriveSealKey(sealSecret)
  await client.query('insert into partywall.seal_keys (key_id, inner_pad, outer_pad) values ($1, $2, $3)', [
    keyId,
    innerPad,
    outerPad,
  ])
}

/**
 * Statements that give `table` the seal policies of one release in place of the other's, in one transaction if they are sent as one query.
 * They wait at most 300 ms for the table's lock, because all later statements on the table wait behind them.
 */
export function sealPoliciesOf(release: 'before' | 'this', table: string): string {
  const condition = (release === 'before' ? sealedRowBefore : sealedRow)('tenant_id', 'uuid')
  const writing = `create policy tenant_write_policy on ${table} as restrictive for all to tenant_user, tenant_admin with check (${SEALED_FOR_WRITING});`
  return `set local lock_timeout = '300ms';
    drop policy if exists tenant_seal_policy on ${table};
    drop policy if exists tenant_write_policy on ${table};
    create policy tenant_seal_policy on ${table} as restrictive for all to tenant_user, tenant_admin using (${condition}) with check (${condition});
    ${release === 'this' ? writing : ''}`
}

/** Gives `table` the seal policies of one release in place of the other's. Tries again while statements hold the table's lock. */
export async function changeSealPolicies(
  run: (text: string) => Promise<unknown>,
  release: 'before' | 'this',
  table: string,
): Promise<void> {
  for (;;) {
    try {
      await run(sealPoliciesOf(release, table))
      return
    } catch (error) {
      if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error
      // The statements that waited behind the operator run now.
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

class PoolOfReleaseBefore extends WalledPool {
  transaction<T>(fn: (transaction: TenantTransaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return runTransaction(() => this.connect(), fn, options)
  }

  copyInto(table: string, rows: CopyRows, options?: CopyIntoOptions): Promise<number> {
    return this.transaction((transaction) => transaction.copyInto(table, rows, options))
  }
}

/** The pool of a process of the release before: its seals have no tickets. */
export function openPoolOfReleaseBefore({ max, connectionString, ...wall }: TenantPoolOptions): TenantPool {
  const clock = { tick: 1 }
  const settings = { ...makeSettings(wall, clock), tickets: undefined }
  const parts = { settings, clock, shares: undefined, across: undefined, lane: undefined }
  const poolOptions = {
    ...(max === undefined ? {} : { max }),
    ...(connectionString === undefined ? {} : { connectionString }),
  }
  return new PoolOfReleaseBefore(poolOptions, parts) as unknown as TenantPool
}
