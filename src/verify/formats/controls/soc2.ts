import type { Standard } from './control.ts'

const DATABASE = ['rls', 'policy', 'key', 'code', 'object', 'context', 'metadata', 'escape', 'role', 'grant']

/** The criteria of 2017 for which this report is evidence, read with the AICPA's explanations ("points of focus") of 2022. */
export const SOC2: Standard = {
  title: 'SOC 2, Trust Services Criteria (2017)',
  source: 'www.aicpa-cima.com/topic/audit-assurance/audit-and-assurance-greater-than-soc-2',
  controls: [
    {
      id: 'CC6.1',
      asks: 'Logical access to protected information is restricted.',
      groups: DATABASE,
      says: 'Row-level security, policies, views, functions and keys that keep the rows of one customer from another.',
    },
    {
      id: 'CC6.3',
      asks: 'Access follows roles and least privilege.',
      groups: ['role', 'grant', 'escape'],
      says: 'What the roles of the application own, were granted, and can become.',
    },
    {
      id: 'CC7.2',
      asks: 'Systems are monitored for anomalies.',
      groups: ['metadata', 'context'],
      says: 'Evidence only where this report is made on each change or by schedule, so that a weakened schema is noticed.',
    },
  ],
}
