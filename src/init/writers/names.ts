/** Environment variables that the written code reads. */
export const APP_URL = 'PARTYWALL_DATABASE_URL'
export const ENTRY_URL = 'PARTYWALL_ENTRY_URL'
export const SEAL_SECRET = 'PARTYWALL_SEAL_SECRET'
