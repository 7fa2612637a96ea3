// A tenant moves between the shared table and its schema while processes with either placement write for it.
import type { Placement } from '../../src/context/placement.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { type MoveTenantOptions, moveTenant } from '../../src/migrate/move-tenant/move-tenant.ts'
import { asPlaced, codeOf, isLostConnection, MISPLACED, type Operation, type Turn } from '../hunt.ts'

/** Shorter than the time limit of an operation, and longer than the statements of the hunt take. */
const WAIT_MS = 8_000
/** Pause between two writes of one process. */
const PAUSE_MS = 5

export const move: Operation = {
  name: 'a tenant that moves',
  weight: 0.4,
  needsSeal: true,
  needsSchemas: true,
  run: (turn) => moveInUse(turn, moveTenant),
}

/** One fault: the session of the mover is ended after a random step. */
export const killedMover: Operation = {
  name: 'terminated mover of a tenant',
  weight: 1,
  needsSeal: true,
  needsSchemas: true,
  run: (turn) =>
    moveInUse(turn, async (options) => {
      const name = `hunt_mover_${turn.random.below(1_000_000_000)}`
      const url = new URL(options.databaseUrl)
      url.searchParams.set('application_name', name)
      let left = turn.random.below(4)
      const onProgress = () => {
        left -= 1
        if (left >= 0) return
        void turn.stage.admin('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
          name,
        ])
      }
      await moveTenant({ ...options, databaseUrl: url.href, onProgress })
    }),
}

/** A process that still has the placement of before a move reads and writes nothing, wherever the tenant is. */
export const outdatedPlacement: Operation = {
  name: 'a process with an outdated placement',
  weight: 3,
  needsSeal: true,
  needsSchemas: true,
  async run(turn) {
    const { fleet } = turn.stage
    const moved = fleet.movable.filter((id) => fleet.hasTwoPlaces(id) && !fleet.isMoving(id))
    if (moved.length === 0) return
    const tenantId = turn.random.pick(moved)
    const begun = performance.now()
    const outcome = await writeOnce(turn, tenantId, fleet.otherPlacementOf(tenantId), turn.pool)
    if (outcome === 'written' && !fleet.hasMovedSince(tenantId, begun))
      turn.ledger.violate('attack succeeded', `an outdated placement of ${tenantId} wrote`)
  },
}

async function moveInUse(turn: Turn, run: (options: MoveTenantOptions) => Promise<unknown>): Promise<void> {
  const { fleet, adminUrl, pools } = turn.stage
  const free = fleet.movable.filter((id) => !fleet.isMoving(id))
  if (free.length === 0) return
  const tenant = turn.random.pick(free)
  let running = true
  await fleet.during(tenant, async () => {
    const schema = await fleet.schemaOf(tenant)
    const to = fleet.placementOf(tenant) === undefined ? 'schema' : 'shared'
    const writers = [{ schema }, undefined].map((placement, at) =>
      writeWhile(turn, tenant, placement, pools[at % pools.length] ?? turn.pool, () => running),
    )
    try {
      await run({ databaseUrl: adminUrl, tenant, schema, to, waitMs: WAIT_MS })
    } catch (error) {
      if (!isLostConnection(error) && codeOf(error) !== MISPLACED)
        turn.ledger.violate('refusal that nobody planned', `the move of ${tenant}: ${String(error)}`)
    } finally {
      running = false
      await Promise.all(writers)
    }
  })
}

async function writeWhile(
  turn: Turn,
  tenantId: string,
  placement: Placement | undefined,
  pool: TenantPool,
  isRunning: () => boolean,
): Promise<void> {
  while (isRunning()) {
    await writeOnce(turn, tenantId, placement, pool)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** Writes a row as a process with this placement. A refused row must be in no place at the end, and a written one in the right place. */
async function writeOnce(
  { ledger, random }: Turn,
  tenantId: string,
  placement: Placement | undefined,
  pool: TenantPool,
): Promise<'written' | 'refused' | 'lost'> {
  const row = { tenantId, id: random.uuid() }
  ledger.wrote(row, 'unknown')
  try {
    await asPlaced(tenantId, placement, () =>
      pool.query('insert into ledger (id, writer) values ($1, $2)', [row.id, tenantId]),
    )
    ledger.wrote(row, 'committed')
    return 'written'
  } catch (error) {
    if (isLostConnection(error)) return 'lost'
    if (codeOf(error) !== MISPLACED) throw error
    ledger.wrote(row, 'rolled back')
    return 'refused'
  }
}
