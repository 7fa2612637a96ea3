import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { Attack } from '../attack.ts'
import { attacks } from '../attacks/list.ts'
import type { Facts } from '../facts.ts'
import type { InternalError } from '../report-model.ts'
import { type Arena, AttackLedger, makeArena, type Pass } from './arena.ts'
import { type AttackContext, makeContexts } from './contexts.ts'
import { checkNegativeControl, checkPositiveControls } from './controls.ts'
import { AS_PLANTER } from './identity.ts'
import { patientSession } from './patience.ts'
import { type Planting, plant } from './plant.ts'
import { type AttackSession, attackSession } from './session.ts'
import { sessionKeys } from './session-keys.ts'

export interface AttackRun {
  readonly ledger: AttackLedger
  readonly internalErrors: readonly InternalError[]
  readonly attacks: number
  readonly probes: number
  readonly planted: number
  /** Probes that the statement time-out ended: they saw nothing, and prove nothing. */
  readonly timedOut: number
}

export interface AttackOptions {
  readonly facts: Facts
  /** Opens a connection as the role that plants; the runner closes it. */
  readonly connect: () => Promise<pg.Client>
  readonly sealSecret: string | undefined
  readonly contextSql: string | undefined
  readonly statementTimeoutMs: number
  readonly lockTimeoutMs: number
  readonly onProgress: (done: string) => void
}

/** Plants two tenants and runs every attack, in two passes, in one transaction that is rolled back. */
export async function runAttacks(options: AttackOptions): Promise<AttackRun> {
  const ledger = new AttackLedger(options.facts)
  const internalErrors: InternalError[] = []
  let probes = 0
  let planted = 0
  let timedOut = () => 0
  const ran = new Set<string>()
  const client = await options.connect()
  try {
    await client.query('begin')
    await client.query(
      `set local statement_timeout = ${options.statementTimeoutMs}; set local lock_timeout = ${options.lockTimeoutMs}; set local idle_in_transaction_session_timeout = 0`,
    )
    const patient = patientSession(attackSession(client), options.statementTimeoutMs)
    timedOut = patient.timedOut
    const session = counted(patient.session, () => {
      probes += 1
    })
    let before: Planting | undefined
    // First without a setting: once one was set on a connection, it can never be "never set" again.
    for (const pass of ['never-set', 'set'] as const) {
      const arena = await openArena(options, session, pass, ledger, before)
      before = arena.planting
      planted = [...arena.planting.rows.values()].filter((rows) => rows.b !== undefined).length
      if (pass === 'set') {
        await checkNegativeControl(arena, ledger)
        await checkPositiveControls(arena, ledger, options.sealSecret !== undefined)
      }
      for (const attack of attacks.filter((candidate) => (candidate.passes ?? ['set']).includes(pass))) {
        ran.add(attack.name)
        const error = await runOne(attack, arena)
        if (error !== undefined) internalErrors.push(error)
        options.onProgress(attack.name)
      }
    }
  } finally {
    await client.query('rollback').catch(() => {}) // a dead connection has rolled back already
    await client.end().catch(() => {})
  }
  return { ledger, internalErrors, attacks: ran.size, probes, planted, timedOut: timedOut() }
}

async function runOne(attack: Attack, arena: Arena): Promise<InternalError | undefined> {
  await arena.session.run('savepoint partywall_attack')
  try {
    await attack.run(arena)
    return undefined
  } catch (error) {
    return { where: `attack ${attack.name}`, message: error instanceof Error ? error.message : String(error) }
  } finally {
    // An exception may have left the transaction aborted, or the session in another role.
    await arena.session.run(`rollback to savepoint partywall_attack; release savepoint partywall_attack; ${AS_PLANTER}`)
  }
}

async function openArena(
  options: AttackOptions,
  session: AttackSession,
  pass: Pass,
  ledger: AttackLedger,
  before: Planting | undefined,
): Promise<Arena> {
  const { facts } = options
  const source = facts.tenancy.context
  const pid = await session.query<{ pid: number; database: string }>(
    'select pg_backend_pid() as pid, current_database()::text as database',
  )
  const { pid: backendPid = 0, database = '' } = pid.rows[0] ?? {}
  const sealer = options.sealSecret === undefined ? undefined : { secret: options.sealSecret, database, backendPid }
  const own = facts.acting[0]
  const nonce = before?.nonce ?? randomBytes(3).toString('hex')
  const keys = sessionKeys(facts, nonce)
  const contextsFor = (planting: Planting) => {
    const { a, b } = planting.tenants
    const keyOf = (side: 'a' | 'b') =>
      source.kind === 'tenant'
        ? planting.tenants[side].id
        : (planting.row(source.table, side)?.values[source.keyColumn.name] ?? planting.tenants[side].id)
    return makeContexts(
      source,
      {
        a: keyOf('a'),
        b: keyOf('b'),
        tenantA: a.id,
        tenantB: b.id,
        besideA: keys.beside(planting, 'a'),
        besideB: keys.beside(planting, 'b'),
      },
      sealer,
      options.contextSql,
    )
  }
  const planting = await plant({
    facts,
    session,
    nonce,
    keys,
    ...(before === undefined ? {} : { before }),
    // In the never-set pass no setting may be touched: what can't be planted without one is not tried there.
    contextSql:
      pass === 'never-set' || own === undefined
        ? undefined
        : (side, tenantId) =>
            plantingContext(
              makeContexts(
                source,
                { a: tenantId, b: tenantId, tenantA: tenantId, tenantB: tenantId, besideA: [], besideB: [] },
                sealer,
                options.contextSql,
              )[side],
              own,
            ),
  })
  return makeArena({ facts, session, planting, pass, contexts: contextsFor(planting), ledger })
}

function plantingContext(context: AttackContext, role: Facts['acting'][number]): string {
  return context.sql(role)
}

function counted(session: AttackSession, count: () => void): AttackSession {
  return {
    ...session,
    probe: (fn) => {
      count()
      return session.probe(fn)
    },
  }
}
