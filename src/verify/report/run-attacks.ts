import type pg from 'pg'
import type { Facts } from '../../tenancy/facts.ts'
import { type Arena, AttackLedger, type Observation } from '../attack/arena.ts'
import type { Attack } from '../attack/attack.ts'
import { checkNegativeControl, checkPositiveControls } from '../attack/controls.ts'
import { heldStatements } from '../attack/held-statements.ts'
import { AS_PLANTER } from '../attack/identity.ts'
import { maskPlanted } from '../attack/mask-planted.ts'
import { openArena } from '../attack/open-arena.ts'
import { patientSession } from '../attack/patience.ts'
import type { Planting } from '../attack/planting.ts'
import { compareWithRealLogin } from '../attack/real-login.ts'
import { type AttackSession, attackSession } from '../attack/session.ts'
import { attacks } from '../attacks/list.ts'
import { draftsOf } from '../finding/drafts.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { rules } from '../rules/list.ts'
import type { AttackCount, ExaminedHeld } from './examined.ts'
import type { InternalError } from './report-model.ts'

export interface AttackRun {
  readonly ledger: AttackLedger
  readonly internalErrors: readonly InternalError[]
  readonly attacks: number
  /** All probes: those of {@link counts}, of planting and of the controls. */
  readonly probes: number
  /** Each attack that ran, in each pass. */
  readonly counts: readonly AttackCount[]
  readonly planted: number
  /** Undefined if the user gave the SQL of the context, because that SQL may hold a secret. */
  readonly held: ExaminedHeld | undefined
  /** Replaces planted values in a text. */
  readonly mask: (text: string) => string
  /** Number of probes that ended in the statement timeout. They show nothing. */
  readonly timedOut: number
}

export interface AttackOptions {
  readonly facts: Facts
  /** Opens a connection as the planting role. The runner closes it. */
  readonly connect: () => Promise<pg.Client>
  readonly sealSecret: string | undefined
  readonly contextSql: string | undefined
  /** Set if the server was started for this run: opens further connections to it. */
  readonly ownServer: { readonly url: string; readonly connect: (url: string) => Promise<pg.Client> } | undefined
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
  const counts: AttackCount[] = []
  let held: ExaminedHeld | undefined
  let mask = (text: string) => text
  const client = await options.connect()
  try {
    await client.query('begin')
    await client.query(
      `set local statement_timeout = ${options.statementTimeoutMs}; set local lock_timeout = ${options.lockTimeoutMs}; set local idle_in_transaction_session_timeout = 0`,
    )
    // Errors in English: a reader of the report looks for PostgreSQL's own words. Only a superuser may set lc_messages.
    if (options.facts.catalog.reader.superuser) await client.query("set local lc_messages = 'C'")
    const patient = patientSession(attackSession(client), options.statementTimeoutMs)
    timedOut = patient.timedOut
    const session = ledger.sent.listen(
      counted(patient.session, () => {
        probes += 1
      }),
    )
    const observed = new Map<string, readonly Observation[]>()
    let before: Planting | undefined
    // The pass `never-set` comes first: a setting that was set once on a connection can't become "never set" again.
    for (const pass of ['never-set', 'set'] as const) {
      const arena = await openArena(options, session, pass, ledger, before)
      before = arena.planting
      mask = maskPlanted(arena.planting)
      planted = [...arena.planting.rows.values()].filter((rows) => rows.b !== undefined).length
      if (pass === 'set') {
        await checkNegativeControl(arena, ledger)
        await checkPositiveControls(arena, ledger, options.sealSecret !== undefined)
      }
      for (const attack of attacks.filter((candidate) => (candidate.passes ?? ['set']).includes(pass))) {
        const [probesBefore, seenBefore] = [probes, ledger.observations.length]
        ledger.sent.begin(attack.name)
        const error = await runOne(attack, arena)
        ledger.sent.begin(undefined)
        const seen = ledger.observations.slice(seenBefore)
        observed.set(attack.name, [...(observed.get(attack.name) ?? []), ...seen])
        const reached = seen.map(({ object }) => object)
        counts.push({
          name: attack.name,
          probes: probes - probesBefore,
          reached: [...new Set(reached)],
          needs: attack.needs,
          said: probes > probesBefore ? [] : attack.rules.filter((id) => saysSomething(id, options.facts)),
        })
        if (error !== undefined) internalErrors.push(error)
        options.onProgress(attack.name)
      }
      if (pass === 'set' && options.contextSql === undefined) held = heldStatements(arena, ledger.sent.held(observed))
    }
  } finally {
    await client.query('rollback').catch(() => {}) // a dead connection has rolled back already
    await client.end().catch(() => {})
  }
  if (options.ownServer !== undefined) {
    const { url: ownServerUrl, connect } = options.ownServer
    await compareWithRealLogin({ ...options, ownServerUrl, connect }, ledger)
  }
  return {
    ledger,
    internalErrors,
    attacks: new Set(counts.map(({ name }) => name)).size,
    probes,
    counts,
    planted,
    held,
    mask,
    timedOut: timedOut(),
  }
}

/**
 * Whether a rule reports an object. If an attack for this rule sends no probe although the rule reports one, the object could not be tried.
 */
function saysSomething(id: RuleId, facts: Facts): boolean {
  const rule = rules.find((each) => each.id === id)
  try {
    return rule !== undefined && draftsOf(rule, facts).length > 0
  } catch {
    return false // the rule's own error is reported where the rules run
  }
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

function counted(session: AttackSession, count: () => void): AttackSession {
  return {
    ...session,
    probe: (fn) => {
      count()
      return session.probe(fn)
    },
  }
}
