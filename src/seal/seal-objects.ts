// The tables of schema partywall that decide which seals are valid. No role of the application may write them.

export const SEAL_TABLES = ['seal_keys', 'tickets', 'tenant_states'] as const

/** Functions that suspend a tenant and reactivate it. */
export const SUSPENDING_FUNCTIONS = ['revoke_tenant', 'readmit_tenant'] as const
