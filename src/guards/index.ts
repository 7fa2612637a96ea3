export { CrossTenantSafe, type CrossTenantSafeMark } from './cross-tenant-safe.ts'
export type { AnyFunction, FunctionDecorator } from './decorator-forms.ts'
export type { FindingKind, GuardFinding } from './finding.ts'
export type { GuardPolicy, GuardPolicyOptions } from './guard-policy.ts'
export {
  createTenantGuard,
  type GuardCounts,
  guardTenantData,
  type PreventCrossTenantAccess,
  preventCrossTenantAccess,
  type TenantGuard,
  type TenantGuardOptions,
} from './tenant-guard.ts'
export { type SameTenant, sameTenantId } from './tenant-value.ts'
