import type { Standard } from './control.ts'
import { ABOUT_CONTEXT, ABOUT_SEAL, LEARNED, WITHOUT_TENANT, WITHOUT_TENANT_COLUMN } from './rules-of-promises.ts'

const OUTSIDE = 'this is decided in the application, which was not run.'

/** Each line of "Do's and Don'ts", in our words. */
export const OWASP_MULTI_TENANT: Standard = {
  title: 'OWASP Multi-Tenant Application Security Cheat Sheet',
  source: 'cheatsheetseries.owasp.org/cheatsheets/Multi_Tenant_Security_Cheat_Sheet.html',
  selection:
    'The lines of "Do\'s and Don\'ts". The page changes without editions: compare with its present text. Its other sections are not covered.',
  controls: [
    {
      id: 'Do 1',
      asks: 'The tenant comes from a verified token.',
      groups: [],
      also: ABOUT_CONTEXT,
      looks: 'Whether SQL of one tenant can set the context of another.',
      limits: 'How the application finds the tenant.',
    },
    {
      id: 'Do 2',
      asks: 'The database itself separates tenants, by row-level security or schemas.',
      groups: ['rls', 'policy', 'object', 'code', 'role'],
      also: ABOUT_SEAL,
      looks: 'Each table and verb, views and functions.',
    },
    {
      id: 'Do 3',
      asks: 'Queries, cache keys and storage paths contain the tenant.',
      groups: ['rls', 'policy', 'key'],
      also: ['pk-not-tenant-led'],
      looks: 'Whether policies add the tenant to queries, and whether keys of tables contain it.',
      limits: 'Cache keys and storage paths.',
    },
    { id: 'Do 4', asks: 'Rate limits and quotas per tenant.', missing: OUTSIDE },
    { id: 'Do 5', asks: 'Each operation is logged with its tenant.', missing: 'logs are not looked at.' },
    {
      id: 'Do 6',
      asks: 'Ownership by the tenant is checked in the data access layer.',
      groups: ['rls', 'policy', 'key', 'code', 'role'],
      also: ABOUT_SEAL,
      looks: 'Whether PostgreSQL checks the tenant of each row below that layer.',
      limits: 'The data access layer itself.',
    },
    {
      id: 'Do 7',
      asks: 'Separate encryption keys for tenants that need them.',
      missing: 'keys per tenant are not looked at.',
    },
    {
      id: 'Do 8',
      asks: 'Data is deleted completely when a tenant leaves.',
      missing: 'deletion is not looked at.',
    },
    { id: 'Do 9', asks: 'Attempts to reach another tenant are noticed.', missing: OUTSIDE },
    {
      id: "Don't 1",
      asks: 'Trust tenant ids from headers or parameters.',
      groups: [],
      also: ABOUT_CONTEXT,
      looks: 'Whether the setting that names the tenant can be forged with SQL.',
      limits: 'Headers and parameters.',
    },
    { id: "Don't 2", asks: 'Share cache keys between tenants.', missing: OUTSIDE },
    {
      id: "Don't 3",
      asks: 'Expose ids that can be guessed.',
      groups: ['metadata', 'key'],
      also: LEARNED,
      looks: 'Whether sequences, unique keys and plans tell one tenant about rows of another.',
      limits: 'The form of ids.',
    },
    {
      id: "Don't 4",
      asks: 'Allow queries without a tenant, even to administrators, unless they override it explicitly.',
      groups: ['rls', 'policy', 'code', 'role', 'grant', 'escape'],
      also: WITHOUT_TENANT,
      looks: 'Whether policies fail closed without a tenant, and which roles pass them.',
      limits: 'Administrators who do not work as a role of the application.',
    },
    {
      id: "Don't 5",
      asks: 'Store data of tenants without a tenant column.',
      groups: ['rls', 'key'],
      also: WITHOUT_TENANT_COLUMN,
      looks: 'Tables without a tenant column. The scope names them.',
    },
    {
      id: "Don't 6",
      asks: 'Share credentials between tenants.',
      missing: 'how credentials are given out is not looked at.',
    },
    { id: "Don't 7", asks: 'Leave out the check for internal services.', missing: OUTSIDE },
    { id: "Don't 8", asks: 'Keep data after a tenant has left.', missing: 'deletion is not looked at.' },
    { id: "Don't 9", asks: 'Write sensitive data into logs.', missing: 'logs are not looked at.' },
  ],
}
