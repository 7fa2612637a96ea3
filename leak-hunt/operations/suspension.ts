// A tenant is suspended and let in again in the database itself, while others work. Each suspension has a tenant of its own.
import { asAnotherRequest, codeOf, isLostConnection, type Operation, type Turn } from '../hunt.ts'

export const suspension: Operation = {
  name: 'a tenant that is suspended',
  weight: 0.3,
  needsSeal: true,
  async run(turn) {
    const { stage, ledger, random } = turn
    // The release before knows no suspensions in the database.
    if (stage.upgrade?.migrated === false) return
    const tenantId = random.uuid()
    const id = random.uuid()
    const { fleet } = stage
    await fleet.add(tenantId, fleet.hasSchemas && random.chance(0.3) ? 'schema' : 'shared')
    await stage.admin(`insert into ${fleet.tableOf(tenantId)} (tenant_id, id, writer) values ($1, $2, $1)`, [
      tenantId,
      id,
    ])
    ledger.wrote({ tenantId, id }, 'committed')
    await expectAnswer(turn, tenantId, 'answered')
    await stage.admin('select partywall.revoke_tenant($1)', [tenantId])
    await expectAnswer(turn, tenantId, 'refused')
    await stage.admin('select partywall.readmit_tenant($1)', [tenantId])
    await expectAnswer(turn, tenantId, 'answered')
  },
}

async function expectAnswer(
  { stage, pool, ledger }: Turn,
  tenantId: string,
  wanted: 'answered' | 'refused',
): Promise<void> {
  const got = await asAnotherRequest(stage, tenantId, () => pool.query('select tenant_id, writer from ledger')).then(
    ({ rows }) => {
      ledger.read(tenantId, rows, suspension.name)
      return rows.length === 1 ? 'answered' : `${rows.length} rows`
    },
    (error: unknown) => {
      if (isLostConnection(error)) return wanted
      return codeOf(error) === 'PARTYWALL_TENANT_INACTIVE' ? 'refused' : `failed: ${String(error)}`
    },
  )
  if (got === wanted) return
  if (wanted === 'refused') ledger.violate('attack succeeded', `a suspended tenant: ${got}`)
  else ledger.violate('refusal that nobody planned', `a tenant before or after its suspension: ${got}`)
}
