// What of schema partywall decides which seals are valid. No role of the application may write it.

export const SEAL_TABLES = ['seal_keys', 'tickets', 'tenant_states'] as const

/** They suspend a tenant, and let it in again. */
export const SUSPENDING_FUNCTIONS = ['revoke_tenant', 'readmit_tenant'] as const
