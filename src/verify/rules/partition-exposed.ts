import type { Rule } from '../finding/rule.ts'
import { exposedHeirs } from '../readings/inherited.ts'

export const partitionExposed: Rule = {
  id: 'partition-exposed',
  group: 'rls',
  ofProtect: 'always',
  title: 'A partition can be used directly',
  severity: 'critical',
  meaning:
    'The policies of a partitioned table do not apply when a query names a partition: the rows of every tenant are open there.',
  remedy: "Revoke the application's grants on the partition, or enable and force row-level security on it.",
  run: (facts) => exposedHeirs(facts, true),
}
