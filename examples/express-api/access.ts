import type { AccessControlOptions } from 'partywall/access'

/** The permissions of each role inside its tenant. A role that is not listed has none. */
export const exampleAccess: AccessControlOptions = {
  roles: {
    owner: ['*'],
    admin: ['documents:*', 'projects:*', 'users:*'],
    member: [
      'documents:read',
      'documents:create',
      'documents:update',
      'projects:read',
      'projects:create',
      'users:read',
    ],
    viewer: ['documents:read', 'projects:read'],
  },
  levels: { tenant_admin: ['documents:delete', 'projects:delete', 'users:delete'] },
}
