import { quoteIdentifier } from '../../catalog/names.ts'
import { readProbes } from '../attacks/read-across.ts'
import type { Arena, AttackLedger } from './arena.ts'

/**
 * A table that denies everybody must stay dark for every acting role. If it does not, policies do not hold that role and
 * an attack that finds nothing means nothing.
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
      await session.run('set local role none')
      if (seen.rows[0]?.['seen'] !== '0')
        for (const relation of facts.relations)
          ledger.unreliable.set(
            relation.label,
            `the negative control failed: ${role.role.name} reads a table that denies everybody`,
          )
    }
  })
  if (!answer.ok) {
    // Without CREATE on the database there is no control table; the positive controls remain.
    ledger.setReason('negative control', 'select', answer.error.message)
  }
}

/** B, in B's own context, must see the planted row; else an attack that sees nothing proves nothing. */
export async function checkPositiveControls(arena: Arena, ledger: AttackLedger): Promise<void> {
  const { facts } = arena
  const tried = new Set<string>()
  const seen = new Set<string>()
  for (const role of facts.acting.filter((acting) => !acting.bypasses)) {
    const probes = readProbes(arena, role, 'b')
    const answers = await arena.batch(role, arena.contexts.b, probes)
    for (const { key, relation } of probes) {
      // A partition may hold none of the planted rows.
      if (relation.isPartition) continue
      tried.add(relation.label)
      const answer = answers.get(key)
      if (answer?.ok === true && answer.rows > 0) seen.add(relation.label)
    }
  }
  for (const label of tried)
    if (!seen.has(label))
      ledger.unreliable.set(label, 'the positive control failed: tenant B does not see its own planted row')
}
