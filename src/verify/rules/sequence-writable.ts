import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { onSequenceSql } from '../readings/drawn-keys.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'

export const sequenceWritable: Rule = {
  id: 'sequence-writable',
  group: 'key',
  title: 'The application may set a sequence',
  severity: 'medium',
  meaning: 'setval by one tenant makes the inserts of all tenants collide.',
  remedy: 'Grant USAGE on sequences, and nothing else.',
  *run(facts) {
    for (const sequence of facts.relations) {
      if (sequence.kind !== 'sequence') continue
      const inSchema = facts.acting.some(
        (role) => !role.bypasses && facts.privileges.onSequence(role.role.oid, sequence, 'UPDATE'),
      )
      const grantees = inSchema ? usableGrantees(facts, sequence.grants, 'UPDATE', sequence.owner) : []
      if (grantees.length === 0) continue
      const name = qualifiedName(sequence)
      const list = granteeList(facts, grantees)
      yield {
        object: sequence.label,
        message: `The app may set the sequence ${sequence.label}: setval by one tenant makes the inserts of all collide.`,
        evidence: [`UPDATE granted to ${list}`],
        fix: onSequenceSql(facts, sequence, [
          `GRANT USAGE ON SEQUENCE ${name} TO ${list};`,
          `REVOKE UPDATE ON SEQUENCE ${name} FROM ${list};`,
        ]),
      }
    }
  },
}
