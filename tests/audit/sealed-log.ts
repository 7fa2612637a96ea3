import {
  type AuditSealer,
  type AuditVerdict,
  createAuditSealer,
  createPemSigner,
  generateAuditKeys,
  type PublishedAnchor,
  type VerifyAuditOptions,
  verifyAuditLog,
} from '../../src/audit/index.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { type AuditWorld, createAuditWorld } from './audit-world.ts'

/** A world whose log is sealed in several batches of tenants A and B and the system stream. */
export interface SealedLog extends AuditWorld {
  readonly keys: ReturnType<typeof generateAuditKeys>
  readonly sealer: AuditSealer
  readonly sealerUrl: string
  readonly auditorUrl: string
  /** What was published outside the database. */
  readonly published: PublishedAnchor[]
  verify(options?: Partial<VerifyAuditOptions>): Promise<AuditVerdict>
  /** Seals all that was written, in one batch per tenant. */
  seal(): Promise<void>
  /** Writes events of A and B and seals them. */
  batch(events: number): Promise<void>
  /** Runs statements as superuser, checks, and puts everything back. */
  tampered(sql: string, options?: Partial<VerifyAuditOptions>): Promise<AuditVerdict>
}

export async function createSealedLog(): Promise<SealedLog> {
  const world = await createAuditWorld()
  const keys = generateAuditKeys()
  const sealerUrl = await world.login('partywall_sealer')
  const auditorUrl = await world.login('partywall_auditor')
  const published: PublishedAnchor[] = []
  const sealer = createAuditSealer({
    databaseUrl: sealerUrl,
    signer: createPemSigner(keys.privateKey),
    anchors: {
      publish: (anchor) => {
        published.push(anchor)
      },
    },
    logger: silentLogger,
  })
  const verify = (options: Partial<VerifyAuditOptions> = {}) =>
    verifyAuditLog({ databaseUrl: auditorUrl, publicKeys: [keys.publicKey], anchors: published, ...options })
  let number = 0
  async function batch(events: number): Promise<void> {
    for (const tenant of [world.a, world.b]) {
      await world.as(tenant, async () => {
        for (let n = 0; n < events; n++) {
          await world.audit.log(
            { action: 'thing.done', resourceId: String(number++), details: { n } },
            { mode: 'required' },
          )
        }
      })
    }
    await world.audit.logSystem({ action: 'AUTHENTICATION_FAILED', outcome: 'denied' })
    await seal()
  }
  // The horizon is the whole server's: other test files' transactions hold it back for moments.
  async function seal(): Promise<void> {
    for (;;) {
      const { rows } = await world.database.admin(
        'select max(xid) < pg_snapshot_xmin(pg_current_snapshot()) as over from partywall.audit_events',
      )
      if (rows[0].over === true) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await sealer.tick({ force: true })
  }
  const tables = ['audit_events', 'audit_private', 'audit_checkpoints', 'audit_anchors']
  async function tampered(sql: string, options?: Partial<VerifyAuditOptions>): Promise<AuditVerdict> {
    // The copy keeps generated columns out: they are computed again.
    for (const table of tables) await world.database.admin(`create table kept_${table} as table partywall.${table}`)
    try {
      await world.database.admin(sql)
      return await verify(options)
    } finally {
      await world.database.admin('select partywall.audit_make_months()')
      for (const table of tables) {
        await world.database.admin(`delete from partywall.${table}`)
        const { rows } = await world.database.admin(
          `select string_agg(quote_ident(attname), ', ') as columns from pg_attribute
             where attrelid = 'partywall.${table}'::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
        )
        const { columns } = rows[0]
        await world.database.admin(`insert into partywall.${table} (${columns}) select ${columns} from kept_${table}`)
        await world.database.admin(`drop table kept_${table}`)
      }
    }
  }
  return { ...world, keys, sealer, sealerUrl, auditorUrl, published, verify, seal, batch, tampered }
}
