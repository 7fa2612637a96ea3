export {
  type AccessControl,
  type AccessCounts,
  type AccessLevel,
  createAccessControl,
} from './access-control.ts'
export type { AccessControlOptions } from './access-options.ts'
export type { Decision, DecisionReason } from './decide.ts'
export type { ConditionalGrant, Grant, ObjectCondition, RoleFunction, RoleSource } from './grants.ts'
export type { GrantPattern } from './permission-pattern.ts'
export { type RoleTableClient, type RoleTableOptions, tenantRoleTable } from './role-table.ts'
