// Attacks on the audit log: reading other tenants' events, forging events, and changing the log.
import { createAuditSealer } from '../../src/audit/audit-sealer.ts'
import type { PublishedAnchor } from '../../src/audit/records.ts'
import { createPemSigner, generateAuditKeys } from '../../src/audit/signer.ts'
import { verifyAuditLog } from '../../src/audit/verify-log.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { type AttackGroup, failureOf, outcome } from '../attack.ts'
import type { Stage } from '../stage.ts'

const anchors: PublishedAnchor[] = []
const keys = generateAuditKeys()

async function seal(stage: Stage): Promise<void> {
  const sealer = createAuditSealer({
    databaseUrl: stage.adminUrl,
    signer: createPemSigner(keys.privateKey),
    anchors: { publish: async (anchor) => void anchors.push(anchor) },
    logger: silentLogger,
  })
  try {
    await sealer.tick({ force: true })
  } finally {
    await sealer.stop()
  }
}

const verify = (stage: Stage) => verifyAuditLog({ databaseUrl: stage.adminUrl, publicKeys: [keys.publicKey], anchors })

export const audit: AttackGroup = {
  title: 'Who did, who tried: the audit log',
  attacks: [
    {
      id: 'audit-changes',
      title: 'what Acme created, changed and removed is in the log of Acme',
      layer: 'audit',
      lines: ['completed-audit', 'security-audit-trail'],
      async run({ a, admin }) {
        const made = await a.api.post('/documents', { title: 'audited' })
        const id = String(made.body?.id)
        await a.api.patch(`/documents/${id}`, { title: 'audited twice' })
        await a.api.delete(`/documents/${id}`)
        const { rows } = await admin(
          'select action, user_id from partywall.audit_events where tenant_id = $1 and resource_id like $2 order by occurred_at',
          [a.id, `%${id}%`],
        )
        const byUser = rows.every((row) => row.user_id === a.helper.userId)
        return outcome(
          rows.length === 3 && byUser,
          `${rows.map((row) => row.action).join(', ')}, ${byUser ? 'by its user' : 'by nobody'}`,
        )
      },
    },
    {
      id: 'audit-refusals',
      title: 'the attacks of this run are in the log, with the tenant that tried',
      layer: 'audit',
      lines: ['completed-audit', 'security-audit-trail'],
      async run({ a, wall, admin }) {
        await wall.audit?.flush()
        const count = async (tenant: string) => {
          const { rows } = await admin(
            "select count(*)::int as n from partywall.audit_events where tenant_id = $1 and outcome = 'denied'",
            [tenant],
          )
          return Number(rows[0]?.n)
        }
        const ours = await count(a.id)
        const system = await count('')
        return outcome(ours > 0 && system > 0, `${ours} refusals of Acme, ${system} without a tenant`)
      },
    },
    {
      id: 'audit-isolation',
      title: 'Globex reads the audit log',
      lines: ['completed-audit', 'security-no-leak'],
      async run({ a, b }) {
        const { rows } = await b.helper.rawQuery('select tenant_id from partywall.audit_events')
        const foreign = rows.filter((row) => row.tenant_id !== b.id).length
        const forged = await failureOf(() =>
          b.helper.rawQuery(`insert into partywall.audit_events (tenant_id, action) values ('${a.id}', 'forged')`),
        )
        return outcome(
          foreign === 0 && ['42501', '428C9'].includes(forged),
          `${rows.length} events, all its own; writing for Acme ${forged}`,
        )
      },
    },
    {
      id: 'audit-tamper',
      title: 'an administrator changes one event by hand',
      layer: 'audit',
      lines: ['completed-audit', 'security-audit-trail'],
      async run(stage) {
        await stage.wall.audit?.flush()
        await seal(stage)
        const before = await verify(stage)
        const changed = await stage.admin(
          `update partywall.audit_events set action = 'nothing.happened'
             where (tenant_id, occurred_at, id) in
               (select tenant_id, occurred_at, id from partywall.audit_events where tenant_id = $1 order by occurred_at limit 1)`,
          [stage.a.id],
        )
        const after = await verify(stage)
        return outcome(
          before.verdict === 'whole' && before.events > 0 && changed.rowCount === 1 && after.verdict === 'tampered',
          `${before.events} events were ${before.verdict}; then ${after.verdict}: ${after.damage[0]?.kind ?? 'nothing named'}`,
        )
      },
    },
  ],
}
