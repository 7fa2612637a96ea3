import type { Standard } from './control.ts'
import { ABOUT_TABLE_GRANTS } from './rules-of-promises.ts'

const DATABASE = ['rls', 'policy', 'key', 'code', 'object', 'context', 'metadata', 'escape', 'role', 'grant']

/** The controls of Annex A that a test of a database schema touches, and related controls that auditors ask about. */
export const ISO_27001: Standard = {
  title: 'ISO/IEC 27001:2022, Annex A',
  source: 'www.iso.org/standard/27001',
  selection:
    'Four of the 93 controls of Annex A (edition 2022) that a test of a database schema touches: A.5.15, A.8.2, A.8.3 and A.8.29. A.8.15 and A.8.24 are listed with the reason why they are not covered. All others, such as A.5.18, A.8.4, A.8.31 and A.8.33, are not covered either.',
  controls: [
    {
      id: 'A.5.15',
      asks: 'Access control: rules for access are established and implemented.',
      groups: ['rls', 'policy', 'grant'],
      also: ABOUT_TABLE_GRANTS,
      looks: 'The policies and grants of each table.',
      limits:
        'Roles that no policy applies to: A.8.2 looks at these. The written rules for access, and whether they are what the policies say.',
    },
    {
      id: 'A.8.2',
      asks: 'Privileged access rights are restricted and managed.',
      groups: ['role', 'escape'],
      also: ['rls-not-forced', 'table-owned-by-app', 'schema-owned-by-app', 'policy-role-wide'],
      looks:
        'The roles of the application: whether they are superusers, have BYPASSRLS or own tables or schemas, and which roles they can become.',
      limits:
        'Superusers and other privileged logins of the server that the application can’t become: no rule judges them, and Roles lists those that this run knows. Privileged access of people, and its management.',
    },
    {
      id: 'A.8.3',
      asks: 'Information access restriction.',
      groups: DATABASE,
      looks: 'Whether a session of one tenant reads, changes or learns of rows of another.',
      limits: 'Access that does not go through this database.',
    },
    {
      id: 'A.8.29',
      asks: 'Security testing in development and acceptance.',
      groups: DATABASE,
      looks: 'This run is one security test of the schema.',
      limits:
        'One run is no monitoring: that the test is repeated on each change needs the history of continuous integration.',
    },
    { id: 'A.8.15', asks: 'Logging.', missing: 'logs are not looked at.' },
    { id: 'A.8.24', asks: 'Use of cryptography.', missing: 'encryption at rest and in transit is not looked at.' },
  ],
}
