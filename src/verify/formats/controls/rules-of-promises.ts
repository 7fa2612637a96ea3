import type { RuleId } from '../../finding/rule-id.ts'

/**
 * Rules of several groups about the settings that name the tenant to the database. Other rules of the group `context` are about locks,
 * signals and plans.
 */
export const ABOUT_CONTEXT: readonly RuleId[] = [
  'setting-default',
  'setting-forgeable',
  'setter-session-scope',
  'policy-unsealed',
  'policy-user-claim',
  'policy-bypass-flag',
  'policy-setting-mismatch',
  'policy-role-identity',
  'policy-user-not-tenant',
  'policy-function-constant',
  'seal-key-readable',
  'seal-oracle',
  'role-self-settings',
  'secdef-tenant-argument',
  'trigger-overwrites-tenant',
  'function-row-security-off',
  'schema-role-only',
]

/** Rules about seals, and about contexts that lack one. */
export const ABOUT_SEAL: readonly RuleId[] = [
  'setting-forgeable',
  'policy-unsealed',
  'seal-key-readable',
  'seal-oracle',
]

/** Rules about grants on tables that are in other groups because of their effect. */
export const ABOUT_TABLE_GRANTS: readonly RuleId[] = ['lock-table', 'serial-key-given']

/** Rules about ownership, and about rights beyond reading and writing rows, that are in other groups because of their effect. */
export const ABOUT_RIGHTS: readonly RuleId[] = [
  'rls-not-forced',
  'table-owned-by-app',
  'schema-owned-by-app',
  'policy-function-untrusted',
  'replaceable-type-operator',
  'policy-role-wide',
  'grant-temporary',
  'backend-signal',
  'schema-create',
  'sequence-writable',
  'sequence-exhaustible',
  'serial-key-given',
  'lock-table',
  'role-self-settings',
  'seal-key-readable',
  'partition-exposed',
  'matview-exposed',
  'foreign-table-exposed',
  'shadow-copy-exposed',
  'large-objects',
  'stats-visible',
  'query-text-visible',
]

/**
 * Rules about ways to learn of rows: through query plans, or through code that PostgreSQL runs before a policy. Also the rule about the
 * first column of a unique key.
 */
export const LEARNED: readonly RuleId[] = ['pk-not-tenant-led', 'leakproof-false', 'view-filter-no-barrier']

/**
 * Rules about a session whose application named no tenant: a default value, or a value that an earlier request left, is then used instead.
 */
export const WITHOUT_TENANT: readonly RuleId[] = [
  'setting-default',
  'setter-session-scope',
  'role-self-settings',
  'policy-unsealed',
]

/** Rules about data of tenants that is kept without the tenant, and about rows whose tenant column does not name one. */
export const WITHOUT_TENANT_COLUMN: readonly RuleId[] = [
  'tenant-column-nullable',
  'tenant-default-constant',
  'policy-null-tenant',
  'policy-user-not-tenant',
  'global-table-writable',
  'unwalled-secrets',
  'large-objects',
]
