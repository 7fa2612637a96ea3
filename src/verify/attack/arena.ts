import type { Oid, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { asksForSession } from '../../tenancy/session-askers.ts'
import type { Severity } from '../finding/finding.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { type BatchAnswer, type BatchProbe, runBatch } from './batch.ts'
import type { AttackContext, Contexts, Said } from './contexts.ts'
import { Controls } from './control.ts'
import { AS_PLANTER, becomeSql, keepsSessionUser } from './identity.ts'
import type { PlantedRow, Planting, Side } from './planting.ts'
import type { AttackSession, Probe } from './session.ts'

/**
 * Which state of the session an attack meets. A setting that was set once on a connection can never be "never set" again,
 * so that state comes first and is a pass of its own.
 */
export type Pass = 'set' | 'never-set'

/** A role in a context. */
export interface Crosser {
  readonly role: ActingRole
  readonly context: AttackContext
  /** `as app, tenant A` */
  readonly name: string
}

export function isCrossing(observation: Observation): observation is Crossing {
  return 'crossing' in observation
}

/** What an attack saw cross. */
export type Observation = SeenOfRule | Crossing

interface Seen {
  readonly object: string
  readonly tables?: readonly string[]
  readonly verbs?: readonly Verb[]
  readonly message: string
  readonly evidence: readonly string[]
  /** For a finding that no static rule raised. */
  readonly fix: string
}

/** What one rule speaks of: it confirms that rule's finding on this object, or raises one. */
export interface SeenOfRule extends Seen {
  readonly rule: RuleId
  readonly detail?: string
  /** The finding is no worse than this: what was given is a secret that its holder may use. */
  readonly most?: Severity
}

/**
 * Rows of B were reached, which could have several causes: it confirms every static finding on these tables and verbs. Only where
 * there is none is it a finding by itself, of the rule that `classify` names.
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
  /** What the attacker is, in this pass: tenant A and the strangers, or only "never set". */
  readonly attackers: readonly AttackContext[]
  /**
   * False for a context that would say nothing new: where the verb is proved for this role, tenant A, the empty setting
   * and the one never set are tried all the same, the malformed and unknown ones not.
   */
  worthTrying(relation: Relation, verb: Verb, role: ActingRole, context: AttackContext): boolean
  row(relation: Relation, side: Side): PlantedRow | undefined
  /** Runs as a role in a context, in a savepoint that is rolled back. */
  as<T>(role: ActingRole, context: AttackContext, fn: () => Promise<T>): Promise<Probe<T>>
  /** Many probes as one role in one context, each rolled back by itself, in few round trips. */
  batch(
    role: ActingRole,
    context: AttackContext,
    probes: readonly BatchProbe[],
  ): Promise<ReadonlyMap<string, BatchAnswer>>
  /** Inside `as`: back to the planting role, to look at what the attack did. Nothing later in the probe is the attacker's. */
  judge(): Promise<void>
  /** Runs as the planting role with B's rows in sight, in a savepoint that is rolled back. */
  asPlanter<T>(fn: () => Promise<T>): Promise<Probe<T>>
  /** Something crossed. */
  report(observation: Observation): void
  /** True when rows of this relation were seen to cross already: what shows them too is no hole of its own. */
  crossed(relation: Relation, verb: Verb): boolean
  /** What was seen to cross so far and could have several causes. */
  crossings(): readonly Crossing[]
  /** Of such a crossing: whether this policy alone lets it through. */
  attribute(object: string, verb: Verb, by: string, policy: string, alone: boolean): void
  /** This verb was tried on this relation by this role, and nothing crossed. */
  held(relation: Relation, verb: Verb): void
  /** It could not be tried; the verdict stays unproved with this reason. */
  notTried(relation: Relation, verb: Verb, reason: string): void
  /** A rule's suspicion about an object was put to the test; if nothing is reported, it sinks to info. */
  tried(rule: RuleId, object: string): void
  /** True when the text holds anything of the other side's: its canary. */
  leaks(text: string, side: Side): boolean
}

/** What all attacks of a run saw, before it is joined with the static findings. */
export class AttackLedger {
  readonly observations: Observation[] = []
  readonly #held = new Set<string>()
  readonly #reasons = new Map<string, string>()
  readonly #tried = new Set<string>()
  readonly #differences = new Map<string, string>()
  readonly #causes = new Map<string, boolean>()
  #noLogin: string | undefined
  /** Tables on which nothing can be told, since the negative control failed, with the reason. */
  readonly unreliable = new Map<string, string>()
  /** What a session says beside its tenant before it sees its own rows of a table. */
  readonly needs = new Map<Oid, readonly Said[]>()
  /** What tenants could do with their own rows. */
  readonly controls: Controls

  constructor(facts: Facts) {
    this.controls = new Controls(facts)
  }

  attribute(object: string, verb: Verb, by: string, policy: string, alone: boolean): void {
    this.#causes.set(`${object}/${verb}/${by}/${policy}`, alone)
  }

  /** Whether a policy alone let a crossing through; undefined where that was not looked at. */
  isCause({ object, crossing }: Crossing, policy: string): boolean | undefined {
    return this.#causes.get(`${object}/${crossing.verb}/${crossing.by.name}/${policy}`)
  }

  /** Why nobody could log in as the application, though policies ask who logged in. */
  noLogin(reason: string): void {
    this.#noLogin = reason
  }

  get loginFailure(): string | undefined {
    return this.#noLogin
  }

  /** The application's own login reached less than the session of the attacks: what these saw says nothing of it. */
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
}

export function makeArena(parts: ArenaParts): Arena {
  const { session, planting, ledger, contexts, pass } = parts
  // A planting role that policies hold sees B's rows in B's context only. Never in the first pass: it would set the setting.
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
        await session.run(enter(role, context))
        return await fn()
      }),
    batch: (role, context, probes) =>
      runBatch(
        session,
        enter(role, context),
        probes.map((probe) => judgedAsB(probe, role)),
      ),
    judge: () => session.run(AS_PLANTER),
    asPlanter: (fn) =>
      session.probe(async () => {
        const own = parts.facts.acting[0]
        if (blind && own !== undefined) await session.run(contexts.b.sql(own))
        return await fn()
      }),
    report: (observation) => {
      // session_user is the planting role here: what such a policy shows it, it may not show the application.
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
    leaks: (text, side) => text.includes(planting.tenants[side].canary),
  }
}
