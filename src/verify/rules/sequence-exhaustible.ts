import { qualifiedName } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { drawnColumns, exhausters, onSequenceSql, sharedDrawnColumns, toIdentitySql } from '../readings/drawn-keys.ts'
import { revokeList } from '../readings/grantees.ts'

export const sequenceExhaustible: Rule = {
  id: 'sequence-exhaustible',
  group: 'key',
  ofProtect: 'decide',
  title: 'The application may use up a sequence',
  severity: 'low',
  meaning: 'nextval in a loop drives a small sequence to its end, and no tenant can insert any more.',
  remedy: 'Grant no right on the sequence (an identity column needs none), and use bigint or uuid.',
  *run(facts) {
    for (const drawn of [...drawnColumns(facts), ...sharedDrawnColumns(facts)]) {
      const { relation, column, sequence } = drawn
      const names = exhausters(facts, drawn)
      if (sequence === undefined || names.length === 0) continue
      const inserts = facts.reach(relation, 'INSERT').length > 0
      const revoke = onSequenceSql(facts, sequence, [
        `REVOKE ALL ON SEQUENCE ${qualifiedName(sequence)} FROM ${revokeList(facts, sequence, names, ['USAGE', 'UPDATE', 'SELECT'])};`,
      ])
      yield {
        object: sequence.label,
        message: `${names.join(', ')} may call nextval on ${sequence.label} as often as it likes: it ends at the last ${column.baseType}, and then nobody can insert into ${relation.label}.`,
        evidence: [`${relation.label}.${column.name} is ${column.baseType}`, `USAGE granted to ${names.join(', ')}`],
        // A role that may not insert needs no right on the sequence of a serial column either.
        fix: column.identity === undefined && inserts ? `${toIdentitySql(drawn)}\n${revoke}` : revoke,
      }
    }
  },
}
