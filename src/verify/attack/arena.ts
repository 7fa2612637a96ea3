import type { Oid, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { asksForSession } from '../../tenancy/session-askers.ts'
import type { ChosenSeverity } from '../finding/finding.ts'
import type { RuleId } from '../finding/rule-id.ts'
import type { ExaminedScript } from '../report/examined.ts'
import { type BatchAnswer, type BatchProbe, runBatch } from './batch.ts'
import type { AttackContext, Contexts, Said } from './contexts.ts'
import { Controls } from './control.ts'
import { type Crosser, crosser } from './crosser.ts'
import { AS_PLANTER, becomeSql, keepsSessionUser } from './identity.ts'
import type { PlantedRow, Planting, Side } from './planting.ts'
import { type RepeatedAttack, repeatScript } from './repeat-script.ts'
import { SentStatements } from './sent-statements.ts'
import type { AttackSession, Probe } from './session.ts'

/**
 * The state of the session in which the attacks run. A setting that was set once on a connection can't become "never set" again, so the
 * attacks without a setting run first, in a pass of their own.
 */
export type Pass = 'set' | 'never-set'

export function isCrossing(observation: Observation): observation is Crossing {
  return 'crossing' in observation
}

/** Something of tenant B that an attack reached as another tenant. */
export type Observation = SeenOfRule | Crossing

interface Seen {
  readonly object: string
  readonly tables?: readonly string[]
  readonly verbs?: readonly Verb[]
  readonly message: string
  readonly evidence: readonly string[]
  /** The fix, if no static rule raised this finding. */
  readonly fix: string
}

/**
 * An observation for one rule. It confirms the rule's static finding on this object. Without such a finding, it becomes a new finding of
 * the rule.
 */
export interface SeenOfRule extends Seen {
  readonly rule: RuleId
  readonly detail?: string
  /** The cells that were reached. Left out if the attack reached only one table by one verb. */
  readonly cells?: readonly { readonly object: string; readonly verb: Verb }[]
  /** Upper limit of the finding's severity, such as when the attack used a secret that its holder is meant to use. */
  readonly most?: ChosenSeverity
}

/**
 * A crossing (a successful attack) that can have several causes: rows of B were reached. It confirms every static finding on these tables
 * and verbs. Without such a static finding, it becomes a finding of the rule that `classify` names.
 */
export interface Crossing extends Seen {
  readonly crossing: { readonly relation: Relation; readonly verb: Verb; readonly by: Crosser }
}

/** Everything that an attack works with. */
export interface Arena {
  readonly facts: Facts
  readonly session: AttackSession
  readonly planting: Planting
  readonly pass: Pass
  readonly contexts: Contexts
  /** The attacker's contexts in this pass: tenant A and the strangers, or only "never set". */
  readonly attackers: readonly AttackContext[]
  /**
   * Whether the context can show anything new. If the verb is proved for this role, the attacks try only tenant A, the empty setting and
   * the setting that was never set, and no malformed or unknown values.
   */
  worthTrying(relation: Relation, verb: Verb, role: ActingRole, context: AttackContext): boolean
  row(relation: Relation, side: Side): PlantedRow | undefined
  /** Runs `fn` as a role in a context, in a savepoint that is rolled back. */
  as<T>(role: ActingRole, context: AttackContext, fn: () => Promise<T>): Promise<Probe<T>>
  /** Runs many probes as one role in one context, in few round trips. Each probe is rolled back separately. */
  batch(
    role: ActingRole,
    context: AttackContext,
    probes: readonly BatchProbe[],
  ): Promise<ReadonlyMap<string, BatchAnswer>>
  /** Inside `as`: returns to the planting role, to check what the attack did. The rest of the probe runs as that role. */
  judge(): Promise<void>
  /** Runs `fn` as the planting role, which sees B's rows, in a savepoint that is rolled back. */
  asPlanter<T>(fn: () => Promise<T>): Promise<Probe<T>>
  /** Records what an attack reached. */
  report(observation: Observation): void
  /** Whether an attack has already reached rows of B in this relation. Another way to see these rows is then no separate hole. */
  crossed(relation: Relation, verb: Verb): boolean
  /** The crossings seen so far that could have several causes. */
  crossings(): readonly Crossing[]
  /** Records whether this policy alone causes the crossing on this object and verb. */
  attribute(object: string, verb: Verb, by: string, policy: string, alone: boolean): void
  /** Records that an attack tried this verb on this relation and reached nothing. */
  held(relation: Relation, verb: Verb): void
  /** Records that no attack could try this verb. The verdict stays `unproved`, with this reason. */
  notTried(relation: Relation, verb: Verb, reason: string): void
  /** Records that a rule's static finding on an object was attacked. If the attack reports nothing, the finding's severity becomes info. */
  tried(rule: RuleId, object: string): void
  /** Records one statement by which an attack tried a verb on a relation as a role. */
  attempted(relation: Relation, verb: Verb, role: ActingRole): void
  /**
   * Keeps a script that repeats a successful attack: one script for each table and verb. A script of tenant A shows both tenants to its
   * reader, so it replaces a script without a tenant.
   */
  repeatable(by: Crosser, script: RepeatedAttack): void
  /** Whether the text contains the canary (docs/glossary.md) of this side's tenant. */
  leaks(text: string, side: Side): boolean
}

/** The results of all attacks of a run, before they are joined with the static findings. */
export class AttackLedger {
  readonly observations: Observation[] = []
  readonly #held = new Set<string>()
  readonly #reasons = new Map<string, string>()
  readonly #tried = new Set<string>()
  readonly #differences = new Map<string, string>()
  readonly #causes = new Map<string, boolean>()
  readonly #tries = new Map<string, number>()
  readonly #scripts = new Map<string, { readonly script: ExaminedScript; readonly withTenant: boolean }>()
  #noLogin: string | undefined
  /** Tables whose attacks prove nothing because the negative control failed, with the reason. */
  readonly unreliable = new Map<string, string>()
  /** Settings that a session needs beside its tenant to see its own rows of a table. */
  readonly needs = new Map<Oid, readonly Said[]>()
  /** The controls: what tenants could do with their own rows. */
  readonly controls: Controls
  /** What the attacks sent, for reports. */
  readonly sent: SentStatements

  constructor(facts: Facts) {
    this.controls = new Controls(facts)
    this.sent = new SentStatements(facts)
  }

  attribute(object: string, verb: Verb, by: string, policy: string, alone: boolean): void {
    this.#causes.set(`${object}/${verb}/${by}/${policy}`, alone)
  }

  /** Whether a policy alone causes a crossing. Undefined if no attack tried this policy alone. */
  isCause({ object, crossing }: Crossing, policy: string): boolean | undefined {
    return this.#causes.get(`${object}/${crossing.verb}/${crossing.by.name}/${policy}`)
  }

  attempted(relation: Relation, verb: Verb, { role }: ActingRole): void {
    const key = `${relation.oid}/${verb}/${role.oid}`
    this.#tries.set(key, (this.#tries.get(key) ?? 0) + 1)
  }

  /** Number of statements by which attacks tried the verb as the role. */
  triesOf(relation: Relation, verb: Verb, { role }: ActingRole): number {
    return this.#tries.get(`${relation.oid}/${verb}/${role.oid}`) ?? 0
  }

  keepScript(key: string, withTenant: boolean, make: () => ExaminedScript | undefined): void {
    const before = this.#scripts.get(key)
    if (before !== undefined && (before.withTenant || !withTenant)) return
    const script = make()
    if (script !== undefined) this.#scripts.set(key, { script, withTenant })
  }

  scripts(): readonly ExaminedScript[] {
    return [...this.#scripts.values()].map(({ script }) => script)
  }

  /** Records why no connection could be opened as the application's login, although policies ask for session_user. */
  noLogin(reason: string): void {
    this.#noLogin = reason
  }

  get loginFailure(): string | undefined {
    return this.#noLogin
  }

  /**
   * Records that the application's own login reached fewer rows than the attacks' session. The controls of the attacks' session then do not
   * count.
   */
  differ(object: string, verb: Verb, reason: string): void {
    this.#differences.set(`${object}/${verb}`, reason)
  }

  difference(object: string, verb: Verb): string | undefined {
    return this.#differences.get(`${object}/${verb}`)
  }

  hold(object: string, verb: Verb): void {
    this.#held.add(`${object}/${verb}`)
  }

  isHeld(object: string, verb: Verb): boolean {
    return this.#held.has(`${object}/${verb}`)
  }

  reason(object: string, verb: Verb): string | undefined {
    return this.#reasons.get(`${object}/${verb}`)
  }

  setReason(object: string, verb: Verb, reason: string): void {
    this.#reasons.set(`${object}/${verb}`, reason)
  }

  try(rule: string, object: string): void {
    this.#tried.add(`${rule}/${object}`)
  }

  wasTried(rule: string, object: string): boolean {
    return this.#tried.has(`${rule}/${object}`)
  }
}

interface ArenaParts {
  readonly facts: Facts
  readonly session: AttackSession
  readonly planting: Planting
  readonly pass: Pass
  readonly contexts: Contexts
  readonly ledger: AttackLedger
  /** False if no scripts are kept, because the user gave the SQL of the context, which may hold a secret. */
  readonly scripted: boolean
}

export function makeArena(parts: ArenaParts): Arena {
  const { session, planting, ledger, contexts, pass } = parts
  // If policies apply to the planting role, the role sees B's rows only in B's context. But the pass `never-set` must not set any context.
  const blind = pass === 'set' && !parts.facts.catalog.reader.superuser
  const judgedAsB = (probe: BatchProbe, role: ActingRole): BatchProbe =>
    blind && probe.judge !== undefined ? { ...probe, judge: `${contexts.b.sql(role)}${probe.judge}` } : probe
  const enter = (role: ActingRole, context: AttackContext) => `${becomeSql(parts.facts, role)};${context.sql(role)}`
  return {
    facts: parts.facts,
    session,
    planting,
    pass,
    contexts,
    attackers: pass === 'set' ? [contexts.a, ...contexts.strangers] : [contexts.unset],
    worthTrying: (relation, verb, role, context) => {
      if (!contexts.strangers.includes(context) || context === contexts.strangers[0]) return true
      const { status } = parts.facts.proofs.of(relation, verb, role)
      return status !== 'proved' && status !== 'dark'
    },
    row: (relation, side) => planting.row(relation, side),
    as: (role, context, fn) =>
      session.probe(async () => {
        const sql = enter(role, context)
        await session.run(sql)
        ledger.sent.actAs(crosser(role, context), sql)
        return await fn()
      }),
    batch: (role, context, probes) => {
      const judged = probes.map((probe) => judgedAsB(probe, role))
      const sql = enter(role, context)
      return ledger.sent.batch(crosser(role, context), sql, judged, () => runBatch(session, sql, judged))
    },
    judge: () => session.run(AS_PLANTER),
    asPlanter: (fn) =>
      ledger.sent.aside(() =>
        session.probe(async () => {
          const own = parts.facts.acting[0]
          if (blind && own !== undefined) await session.run(contexts.b.sql(own))
          return await fn()
        }),
      ),
    report: (observation) => {
      // session_user is the planting role here. If a policy asks for session_user, the application may see fewer rows than this session.
      const asks = [observation.object, ...(observation.tables ?? [])].some((label) =>
        asksForSession(parts.facts, label),
      )
      if (!asks || !keepsSessionUser(parts.facts)) ledger.observations.push(observation)
    },
    crossed: (relation, verb) =>
      ledger.observations.some(
        (seen) => isCrossing(seen) && seen.object === relation.label && seen.crossing.verb === verb,
      ),
    crossings: () => ledger.observations.filter(isCrossing),
    attribute: (object, verb, by, policy, alone) => ledger.attribute(object, verb, by, policy, alone),
    held: (relation, verb) => ledger.hold(relation.label, verb),
    notTried: (relation, verb, reason) => ledger.setReason(relation.label, verb, reason),
    tried: (rule, object) => ledger.try(rule, object),
    attempted: (relation, verb, role) => ledger.attempted(relation, verb, role),
    repeatable: (by, attack) => {
      if (!parts.scripted) return
      const { rule = '', detail = '', relation, object = relation.label, verb } = attack
      ledger.keepScript(JSON.stringify([rule, object, detail, verb]), by.context.tenant === 'a', () =>
        repeatScript({ facts: parts.facts, planting }, by, attack),
      )
    },
    leaks: (text, side) => text.includes(planting.tenants[side].canary),
  }
}
