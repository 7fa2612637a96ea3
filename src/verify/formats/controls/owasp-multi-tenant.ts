import type { Standard } from './control.ts'

const OUTSIDE = 'Not covered: this is decided in the application, which a report on a database does not see.'

/** Each line of "Do's and Don'ts", in our words. */
export const OWASP_MULTI_TENANT: Standard = {
  title: 'OWASP Multi-Tenant Security Cheat Sheet',
  source: 'cheatsheetseries.owasp.org/cheatsheets/Multi_Tenant_Security_Cheat_Sheet.html',
  controls: [
    {
      id: 'Do 1',
      asks: 'The tenant comes from a verified token.',
      groups: ['context'],
      says: 'The database half: whether SQL of one tenant can set the context of another. The application half is not covered.',
    },
    {
      id: 'Do 2',
      asks: 'The database itself separates tenants, by row-level security or schemas.',
      groups: ['rls', 'policy', 'object', 'code'],
      says: 'The tables, verb by verb.',
    },
    {
      id: 'Do 3',
      asks: 'Queries, cache keys and storage paths contain the tenant.',
      groups: ['rls', 'key'],
      says: 'Queries: the policies add the tenant to each. Cache keys and storage paths are not covered.',
    },
    { id: 'Do 4', asks: 'Rate limits and quotas per tenant.', says: OUTSIDE },
    {
      id: 'Do 5',
      asks: 'Each operation is logged with its tenant.',
      says: 'Not covered: this report does not look at logs. `partywall audit verify` checks the audit log.',
    },
    {
      id: 'Do 6',
      asks: 'Ownership by the tenant is checked in the data access layer.',
      groups: ['rls', 'policy', 'key'],
      says: 'PostgreSQL checks it below that layer, for each row.',
    },
    {
      id: 'Do 7',
      asks: 'Separate encryption keys for tenants that need them.',
      says: 'Not covered: keys per tenant are not looked at.',
    },
    {
      id: 'Do 8',
      asks: 'Data is deleted completely when a tenant leaves.',
      says: 'Not covered: what is deleted is not looked at.',
    },
    { id: 'Do 9', asks: 'Attempts to reach another tenant are noticed.', says: OUTSIDE },
    {
      id: "Don't 1",
      asks: 'Trust tenant ids from headers or parameters.',
      groups: ['context'],
      says: 'The database half: whether a setting without a seal names the tenant. The application half is not covered.',
    },
    { id: "Don't 2", asks: 'Share cache keys between tenants.', says: OUTSIDE },
    {
      id: "Don't 3",
      asks: 'Expose ids that can be guessed.',
      groups: ['metadata', 'key'],
      says: 'Whether sequences, unique keys and plans tell one tenant about rows of another. The form of ids is not looked at.',
    },
    {
      id: "Don't 4",
      asks: 'Allow queries without a tenant, even to administrators.',
      groups: ['rls', 'role', 'grant', 'escape'],
      says: 'Whether policies fail closed without a tenant, and which roles pass them.',
    },
    {
      id: "Don't 5",
      asks: 'Store data of tenants without a tenant column.',
      groups: ['rls', 'key'],
      says: 'Child tables without one are findings; tables that seem to have no tenant are listed as "in reach without a wall".',
    },
    {
      id: "Don't 6",
      asks: 'Share credentials between tenants.',
      says: 'Not covered: on purpose, one login of the application serves all tenants, and the seal separates them.',
    },
    { id: "Don't 7", asks: 'Leave out the check for internal services.', says: OUTSIDE },
    { id: "Don't 8", asks: 'Keep data after a tenant has left.', says: 'Not covered: what is kept is not looked at.' },
    { id: "Don't 9", asks: 'Write sensitive data into logs.', says: 'Not covered: this report does not look at logs.' },
  ],
}
