// A tenant signs up while others work: in the shared table, or in a schema that is created, protected and registered for it.
import { asAnotherRequest, isLostConnection, type Operation, type Turn } from '../hunt.ts'

export const newTenant: Operation = {
  name: 'a new tenant, used at once',
  weight: 0.3,
  needsSchemas: true,
  async run(turn) {
    const { fleet } = turn.stage
    const tenantId = turn.random.uuid()
    await fleet.add(tenantId, turn.random.chance(0.5) ? 'schema' : 'shared')
    const wrote = await Promise.all(turn.stage.pools.map((pool) => writeFirst({ ...turn, pool, tenantId })))
    if (!wrote.includes(true)) return // the connections were lost, so the tenant may have no row
    const rows = await readAll({ ...turn, tenantId })
    if (rows !== undefined && rows < wrote.filter(Boolean).length)
      turn.ledger.violate('own row missing', `a new tenant sees ${rows} rows`)
    fleet.join(tenantId)
  },
}

async function writeFirst({ stage, ledger, random, pool, tenantId }: Turn): Promise<boolean> {
  const row = { tenantId, id: random.uuid() }
  ledger.wrote(row, 'unknown')
  return asAnotherRequest(stage, tenantId, () =>
    pool.query('insert into ledger (id, writer) values ($1, $2)', [row.id, tenantId]),
  ).then(
    () => {
      ledger.wrote(row, 'committed')
      return true
    },
    (error: unknown) => refused(error),
  )
}

async function readAll({ stage, ledger, pool, tenantId }: Turn): Promise<number | undefined> {
  return asAnotherRequest(stage, tenantId, () => pool.query('select tenant_id, id, writer from ledger')).then(
    ({ rows }) => {
      ledger.read(tenantId, rows, newTenant.name)
      return rows.length
    },
    (error: unknown) => {
      refused(error)
      return undefined
    },
  )
}

function refused(error: unknown): false {
  if (isLostConnection(error)) return false
  throw error
}
