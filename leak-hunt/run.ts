import { type Operation, takeTurn } from './hunt.ts'
import { Ledger, type Violation } from './ledger.ts'
import { acrossPlaces } from './operations/across-places.ts'
import { aroundThePool } from './operations/around-the-pool.ts'
import { faultOperations } from './operations/faults.ts'
import { honestOperations } from './operations/honest.ts'
import { hostileOperations } from './operations/hostile.ts'
import { killedMover, move, outdatedPlacement } from './operations/move.ts'
import { newTenant } from './operations/new-tenant.ts'
import { schemaTool } from './operations/schema-tool.ts'
import { suspension } from './operations/suspension.ts'
import { upgrade } from './operations/upgrade.ts'
import type { HuntOptions } from './options.ts'
import { Random } from './random.ts'
import { checkResidue } from './residue.ts'
import { openStage, type Stage } from './stage.ts'

const WORKERS = 14
/** Share of attacks among the operations that are not faults. */
const HOSTILE_SHARE = 0.18
/** Number of operations after which all work pauses and the idle connections are checked. */
const CHECKPOINT = 1_000
/** Time limit of one operation. */
const TURN_LIMIT_MS = 30_000

export interface HuntResult {
  readonly seed: number
  readonly sealed: boolean
  readonly pooler: boolean
  /** Number of upgrades and downgrades of the policies. Undefined without `--upgrade`. */
  readonly upgrades: number | undefined
  readonly operations: number
  readonly attacks: number
  readonly faults: Readonly<Record<string, number>>
  readonly destroyed: Readonly<Record<string, number>>
  /** Number of times that a tenant moved between the shared table and a schema. */
  readonly moves: number
  /** Number of tenants that came while others worked. */
  readonly tenantsAdded: number
  readonly rowsWritten: number
  readonly connectionsLookedAt: number
  readonly seconds: number
  /** Rows of one tenant that another tenant got. */
  readonly leaks: number
  readonly violations: Readonly<Record<string, number>>
  readonly examples: readonly Violation[]
}

export async function hunt(options: HuntOptions, onProgress: (line: string) => void): Promise<HuntResult> {
  const random = new Random(options.seed)
  const stage = await openStage(random, options)
  const ledger = new Ledger()
  try {
    return await huntOn(stage, ledger, random, options, onProgress)
  } finally {
    await stage.close()
  }
}

async function huntOn(
  stage: Stage,
  ledger: Ledger,
  random: Random,
  options: HuntOptions,
  onProgress: (line: string) => void,
): Promise<HuntResult> {
  const started = performance.now()
  const { fleet } = stage
  const fits = (operation: Operation) =>
    (options.sealed || operation.needsSeal !== true) &&
    (fleet.hasSchemas || operation.needsSchemas !== true) &&
    !(options.pooler && operation.notPooled === true)
  const possibleFaults = [...faultOperations, killedMover].filter(fits)
  const faults = new Map(possibleFaults.map((operation) => [operation.name, 0]))
  const hostile = [...hostileOperations, ...acrossPlaces].filter(fits)
  const honest = [
    ...honestOperations,
    ...aroundThePool,
    schemaTool,
    suspension,
    newTenant,
    move,
    outdatedPlacement,
    ...(options.upgrade ? [upgrade] : []),
  ].filter(fits)
  const tenantsBefore = fleet.tenants.length
  let begun = 0
  let attacks = 0
  let faultsLeft = options.faults
  let looked = 0

  const over = () => begun >= options.operations || (performance.now() - started) / 1000 >= options.seconds
  const nextOperation = (): Operation => {
    const left = options.operations - begun
    // Spread the faults evenly over the remaining operations, each kind at least once.
    if (faultsLeft > 0 && random.next() < faultsLeft / Math.max(left, 1)) {
      faultsLeft -= 1
      const unseen = possibleFaults.filter((operation) => faults.get(operation.name) === 0)
      const fault = unseen.length > 0 ? random.pick(unseen) : random.weighted(possibleFaults)
      faults.set(fault.name, (faults.get(fault.name) ?? 0) + 1)
      return fault
    }
    if (!random.chance(HOSTILE_SHARE)) return random.weighted(honest)
    attacks += 1
    return random.weighted(hostile)
  }
  const worker = async (until: number) => {
    while (begun < until && !over()) {
      begun += 1
      const operation = nextOperation()
      const { settled, attackers, tenants } = fleet
      const candidates = operation.settled === true ? settled : tenants
      const tenantId = random.pick(hostile.includes(operation) ? attackers : candidates)
      const victimId = random.pick(candidates.filter((id) => id !== tenantId))
      const pools = stage.pipelined === undefined ? stage.pools : [...stage.pools, stage.pipelined]
      const pool = operation.only === undefined ? random.pick(pools) : stage[operation.only]
      await withLimit(operation, ledger, takeTurn(operation, { stage, ledger, random, pool, tenantId, victimId }))
    }
  }

  while (!over()) {
    const until = Math.min(options.operations, begun + CHECKPOINT)
    await Promise.all(Array.from({ length: WORKERS }, () => worker(until)))
    looked += await checkResidue(stage, ledger)
    const found = [...ledger.byKind.values()].reduce((sum, count) => sum + count, 0)
    onProgress(`${begun} operations, ${options.faults - faultsLeft} faults, ${attacks} attacks, ${found} violations`)
    if (options.untilFound && found > 0) break
  }
  ledger.judge(await fleet.everyRow(), (tenantId) => fleet.tableOf(tenantId))
  return {
    seed: options.seed,
    sealed: options.sealed,
    pooler: options.pooler,
    upgrades: stage.upgrade?.changes,
    operations: begun,
    attacks,
    faults: Object.fromEntries(faults),
    destroyed: Object.fromEntries(stage.destroyed),
    moves: fleet.moves,
    tenantsAdded: fleet.tenants.length - tenantsBefore,
    rowsWritten: ledger.rows,
    connectionsLookedAt: looked,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    leaks: (ledger.byKind.get('foreign row read') ?? 0) + (ledger.byKind.get('foreign write') ?? 0),
    violations: Object.fromEntries(ledger.byKind),
    examples: ledger.violations,
  }
}

async function withLimit(operation: Operation, ledger: Ledger, turn: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), TURN_LIMIT_MS)
  })
  const outcome = await Promise.race([turn.then(() => 'done' as const), limit])
  clearTimeout(timer)
  if (outcome === 'late') {
    ledger.violate('refusal that nobody planned', `${operation.name}: no answer for ${TURN_LIMIT_MS / 1000} s`)
  }
}
