declare const reserved: import('partywall/audit').TenantAuditLoggerOptions['reserved']
