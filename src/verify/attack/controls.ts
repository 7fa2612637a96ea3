import { quoteIdentifier } from '../../catalog/names.ts'
import { VERBS } from '../../catalog/verbs.ts'
import type { ActingRole } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { readProbes, whyNotPlanted } from '../attacks/read-across.ts'
import type { Arena, AttackLedger } from './arena.ts'
import type { BatchAnswer } from './batch.ts'
import type { Control } from './control.ts'
import { fitRows } from './fit-rows.ts'
import { AS_PLANTER } from './identity.ts'
import { plantedRow } from './row-filters.ts'
import { controlUnbound } from './unbound-probes.ts'
import { baselines } from './victim-row.ts'
import { type WriteProbe, writeProbes } from './write-probes.ts'

/**
 * Negative control: a table with row-level security and no policy must show no row to any acting role. If a row is seen, policies do not
 * apply to that role in this session, and no result on any table can be relied on.
 */
export async function checkNegativeControl(arena: Arena, ledger: AttackLedger): Promise<void> {
  const { facts, session } = arena
  const roles = facts.acting.filter((role) => !role.bypasses)
  const grantees = roles.map((role) => quoteIdentifier(role.role.name)).join(', ')
  if (roles.length === 0) return
  const answer = await session.probe(async () => {
    await session.run(`create schema partywall_control;
      create table partywall_control.deny_all (id int); insert into partywall_control.deny_all values (1);
      alter table partywall_control.deny_all enable row level security, force row level security;
      grant usage on schema partywall_control to ${grantees}; grant select on partywall_control.deny_all to ${grantees}`)
    for (const role of roles) {
      await session.run(`set local role ${quoteIdentifier(role.role.name)}`)
      const seen = await session.text('select count(*) as seen from partywall_control.deny_all')
      await session.run(AS_PLANTER)
      if (seen.rows[0]?.['seen'] !== '0')
        for (const relation of facts.relations)
          ledger.unreliable.set(
            relation.label,
            `the negative control failed: ${role.role.name} reads a table that denies everybody`,
          )
    }
  })
  if (!answer.ok) {
    // The planting role may lack CREATE on the database. Then there is no control table, and only the positive controls are run.
    ledger.setReason('negative control', 'select', answer.error.message)
  }
}

/**
 * Positive controls: tenant B, in its own context, reads and writes its own planted row with the statements of the attacks. An attack
 * that reaches no row counts only if the same statement worked here.
 */
export async function checkPositiveControls(arena: Arena, ledger: AttackLedger, sealable: boolean): Promise<void> {
  const roles = arena.facts.acting.filter((acting) => !acting.bypasses)
  if (arena.facts.sealed && !sealable) {
    for (const role of roles)
      noteNotRun(arena, ledger, role, 'no seal could be made: --seal-secret-env names its secret')
    return
  }
  for (const role of roles) await readControls(arena, ledger, role)
  await fitRows(arena, ledger)
  const before = await baselines(arena)
  for (const role of roles) {
    noteNotRun(arena, ledger, role)
    await readControls(arena, ledger, role)
    await writeControls(arena, ledger, role, before)
    await controlUnbound(arena, ledger, role)
  }
}

/** Notes for each privilege why its control was not run. A control that runs later replaces the note. */
function noteNotRun(arena: Arena, ledger: AttackLedger, role: ActingRole, because?: string): void {
  const { facts } = arena
  for (const relation of facts.relations) {
    if (facts.tenantTable(relation) === undefined) continue
    for (const verb of VERBS)
      if (facts.privileges.onRelation(role.role.oid, relation, privilegeOf(verb))) {
        const how =
          because ??
          (plantedRow(arena, relation, 'b') === undefined
            ? whyNotPlanted(arena, relation)
            : 'its own row could not be written by a control')
        ledger.controls.note(relation, verb, role, { status: 'not-run', how })
      }
  }
}

async function readControls(arena: Arena, ledger: AttackLedger, role: ActingRole): Promise<void> {
  const probes = readProbes(arena, role, 'b')
  const answers = await arena.batch(role, arena.contexts.b, probes)
  for (const { key, relation } of probes) {
    const answer = answers.get(key)
    if (answer === undefined) continue
    const control: Control = !answer.ok
      ? failure(answer)
      : answer.rows > 0
        ? { status: 'worked' }
        : relation.isPartition
          ? { status: 'not-run', how: 'the planted row lies in another partition' }
          : { status: 'dark', how: 'tenant B does not see its own planted row' }
    ledger.controls.note(relation, 'select', role, control)
  }
}

async function writeControls(
  arena: Arena,
  ledger: AttackLedger,
  role: ActingRole,
  before: Awaited<ReturnType<typeof baselines>>,
): Promise<void> {
  const probes = arena.facts.relations
    .flatMap((relation) => (before.has(relation.oid) ? writeProbes(arena, relation, role, false) : []))
    .filter((probe) => probe.isControl)
  const answers = await answersOf(arena, ledger, role, probes)
  for (const probe of probes) {
    const answer = answers.get(probe.key)
    const baseline = before.get(probe.relation.oid)
    if (answer === undefined || baseline === undefined) continue
    const control: Control = probe.crossed(answer, baseline)
      ? { status: 'worked' }
      : !answer.ok
        ? failure(answer)
        : probe.relation.isPartition
          ? { status: 'not-run', how: 'the planted row lies in another partition' }
          : { status: 'no-row', how: `tenant B could not ${probe.verb} its own planted row` }
    ledger.controls.note(probe.relation, probe.verb, role, control)
  }
}

/** Runs the probes as tenant B. If the policies of a table test further settings, these settings are set too. */
async function answersOf(
  arena: Arena,
  ledger: AttackLedger,
  role: ActingRole,
  probes: readonly WriteProbe[],
): Promise<ReadonlyMap<string, BatchAnswer>> {
  const plain = probes.filter(({ relation }) => !ledger.needs.has(relation.oid))
  const answers = new Map(await arena.batch(role, arena.contexts.b, plain))
  for (const [oid, said] of ledger.needs) {
    const own = probes.filter(({ relation }) => relation.oid === oid)
    for (const [key, answer] of await arena.batch(role, arena.contexts.b.saying(said), own)) answers.set(key, answer)
  }
  return answers
}

/**
 * Returns what this error says about a control: a policy refused the row, verify could not make a row that fits, or the schema has an
 * error.
 */
function failure({ code, text }: BatchAnswer): Control {
  const message = text.split('\n')[0] ?? ''
  if (code === '42501' && /row-level security/i.test(text))
    return { status: 'refused', how: 'the policies refuse the row that verify made for tenant B' }
  // A constraint or a trigger refused the row that verify made, or the statement timed out. This says nothing about policies.
  if (/^(23|P0|57)/.test(code) || code === '55P03')
    return { status: 'not-run', how: `no row could be made: ${message}` }
  return { status: 'error', code, how: message }
}
