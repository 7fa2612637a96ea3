import type { Standard } from './control.ts'

/** The controls of Annex A for which this report is evidence, and neighbours that auditors ask about. */
export const ISO_27001: Standard = {
  title: 'ISO/IEC 27001:2022, Annex A',
  source: 'www.iso.org/standard/27001',
  controls: [
    {
      id: 'A.5.15',
      asks: 'Access control: rules for access are established and implemented.',
      groups: ['rls', 'policy', 'grant'],
      says: 'The policies and grants of each table, and whether they keep tenants apart.',
    },
    {
      id: 'A.8.2',
      asks: 'Privileged access rights are restricted and managed.',
      groups: ['role', 'escape'],
      says: 'Superusers, BYPASSRLS, owners, and the roles that the application can become.',
    },
    {
      id: 'A.8.3',
      asks: 'Information access restriction.',
      groups: ['rls', 'policy', 'key', 'code', 'object', 'context', 'metadata'],
      says: 'Whether a session of one tenant reads, changes or learns of rows of another.',
    },
    {
      id: 'A.8.29',
      asks: 'Security testing in development and acceptance.',
      groups: ['rls', 'policy', 'key', 'code', 'object', 'context', 'metadata', 'role', 'grant', 'escape'],
      says: 'Evidence where this report is made in continuous integration, on each change of the schema.',
    },
    {
      id: 'A.8.15',
      asks: 'Logging.',
      says: 'Not covered: this report does not look at logs. `partywall audit verify` checks the audit log.',
    },
    {
      id: 'A.8.24',
      asks: 'Use of cryptography.',
      says: 'Not covered: encryption at rest and in transit is not looked at.',
    },
  ],
}
