import type { Rule } from '../finding/rule.ts'
import { exposedHeirs } from '../readings/inherited.ts'

export const partitionExposed: Rule = {
  id: 'partition-exposed',
  group: 'rls',
  ofProtect: 'always',
  title: 'A partition can be used directly',
  severity: 'critical',
  meaning:
    'The policies of a partitioned table do not hold when a partition is named: every tenant’s rows are open there.',
  remedy: 'Revoke the app’s grants on the partition, or enable and force row security on it.',
  run: (facts) => exposedHeirs(facts, true),
}
