/** A criterion of the AICPA's Trust Services Criteria (2017, with the points of focus of 2022) for which this report is evidence. */
interface TrustCriterion {
  readonly id: 'CC6.1' | 'CC6.3' | 'CC7.2'
  readonly shows: string
}

export const TRUST_CRITERIA: readonly TrustCriterion[] = [
  {
    id: 'CC6.1',
    shows:
      'Logical access to protected information: row-level security, policies, views, functions and keys that keep the rows of one customer from another.',
  },
  {
    id: 'CC6.3',
    shows: 'Access by role and least privilege: what the roles of the application own, were granted, and can become.',
  },
  {
    id: 'CC7.2',
    shows:
      'Monitoring for anomalies: applies where this report is made on each change or by schedule, so that a weakened schema is noticed.',
  },
]

/** The criteria to which findings of a group of rules are relevant. */
export function criteriaOf(group: string): readonly TrustCriterion['id'][] {
  if (group === 'role' || group === 'grant' || group === 'escape') return ['CC6.1', 'CC6.3']
  if (group === 'metadata' || group === 'context') return ['CC6.1', 'CC7.2']
  return ['CC6.1']
}
