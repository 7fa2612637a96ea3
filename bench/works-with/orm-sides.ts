import pg from 'pg'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { createTenantDrivers, type TenantDrivers } from '../../src/database/drivers/tenant-drivers.ts'
import { createTenantPool, type TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import type { Stage } from '../isolation/stage.ts'
import type { Way } from '../isolation/ways.ts'

const CONNECTIONS = 10

/** The same ORM three times. */
interface OrmSides {
  readonly orm: string
  /** On a pool of pg, on the table without row-level security; the statement filters by tenant. */
  readonly unprotected: Way
  /** On the tenant pool, on the sealed table. */
  readonly sealed: Way
  /** On a pool of pg, on the table with the plain policy: a transaction, set_config, the statement. Not sealed. */
  readonly usual: Way
}

type Read = (tenantId: string, id: number) => Promise<readonly unknown[]>

export interface OrmReads {
  readonly orm: string
  unprotected(pool: pg.Pool): Promise<OpenReads> | OpenReads
  sealed(pool: TenantPool, drivers: TenantDrivers): Promise<OpenReads> | OpenReads
  usual(pool: pg.Pool): Promise<OpenReads> | OpenReads
}

interface OpenReads {
  readonly read: Read
  readonly close?: () => Promise<unknown>
}

export async function openSides(reads: OrmReads, stage: Stage): Promise<OrmSides> {
  const plainPool = () => new pg.Pool({ connectionString: stage.url, max: CONNECTIONS })
  const tenantPool = createTenantPool({
    connectionString: stage.url,
    max: CONNECTIONS,
    seal: { secret: stage.sealSecret },
    roles: {},
    logger: silentLogger,
  })
  const [first, second] = [plainPool(), plainPool()]
  const unprotected = await reads.unprotected(first)
  const sealed = await reads.sealed(tenantPool, createTenantDrivers(tenantPool))
  const usual = await reads.usual(second)
  const way = (name: string, { read, close }: OpenReads, pool: pg.Pool): Way => ({
    name: `${reads.orm}: ${name}`,
    read: async (tenantId, id) => (await read(tenantId, id)).length,
    async close() {
      await close?.()
      if (!pool.ending) await pool.end()
    },
  })
  const inTenant: Read = (tenantId, id) => runWithTenant({ tenantId, userId: 'bench' }, () => sealed.read(tenantId, id))
  return {
    orm: reads.orm,
    unprotected: way('unprotected', unprotected, first),
    sealed: way('sealed', { ...sealed, read: inTenant }, tenantPool),
    usual: way('transaction, set_config, query', usual, second),
  }
}
