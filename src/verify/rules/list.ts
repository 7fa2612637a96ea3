import type { Rule } from '../rule.ts'
import { foreignTableExposed } from './foreign-table-exposed.ts'
import { inheritanceChildExposed } from './inheritance-child-exposed.ts'
import { matviewExposed } from './matview-exposed.ts'
import { partitionExposed } from './partition-exposed.ts'
import { policyAlwaysTrue } from './policy-always-true.ts'
import { policyBypassFlag } from './policy-bypass-flag.ts'
import { policyCheckLax } from './policy-check-lax.ts'
import { policyColumnOptOut } from './policy-column-opt-out.ts'
import { policyCommandGap } from './policy-command-gap.ts'
import { policyEmptyStringError } from './policy-empty-string-error.ts'
import { policyFailOpen } from './policy-fail-open.ts'
import { policyFunctionConstant } from './policy-function-constant.ts'
import { policyFunctionSearchPath } from './policy-function-search-path.ts'
import { policyFunctionUntrusted } from './policy-function-untrusted.ts'
import { policyLossyCompare } from './policy-lossy-compare.ts'
import { policyNullTenant } from './policy-null-tenant.ts'
import { policyPermissiveOr } from './policy-permissive-or.ts'
import { policyRangeCompare } from './policy-range-compare.ts'
import { policyRoleIdentity } from './policy-role-identity.ts'
import { policyRoleWide } from './policy-role-wide.ts'
import { policySettingMismatch } from './policy-setting-mismatch.ts'
import { policySubqueryCapture } from './policy-subquery-capture.ts'
import { policyTrustsUnprotectedTable } from './policy-trusts-unprotected-table.ts'
import { policyUserClaim } from './policy-user-claim.ts'
import { policyUserNotTenant } from './policy-user-not-tenant.ts'
import { policyWrongColumn } from './policy-wrong-column.ts'
import { restrictiveOnly } from './restrictive-only.ts'
import { rlsDisabled } from './rls-disabled.ts'
import { rlsNotForced } from './rls-not-forced.ts'
import { schemaOwnedByApp } from './schema-owned-by-app.ts'
import { shadowCopyExposed } from './shadow-copy-exposed.ts'
import { tableOwnedByApp } from './table-owned-by-app.ts'
import { tenantColumnNullable } from './tenant-column-nullable.ts'
import { tenantDefaultConstant } from './tenant-default-constant.ts'
import { untenantedChild } from './untenanted-child.ts'
import { untenantedPayload } from './untenanted-payload.ts'

/** Every rule, in the order of the catalogue. */
export const rules: readonly Rule[] = [
  // 1. Row security is off or does not apply
  rlsDisabled,
  rlsNotForced,
  tableOwnedByApp,
  schemaOwnedByApp,
  partitionExposed,
  inheritanceChildExposed,
  shadowCopyExposed,
  untenantedChild,
  untenantedPayload,
  matviewExposed,
  foreignTableExposed,
  restrictiveOnly,
  // 4. Policies that say too much
  policyAlwaysTrue,
  policyPermissiveOr,
  policyRoleWide,
  policyCommandGap,
  policyCheckLax,
  policyFailOpen,
  policyEmptyStringError,
  policyBypassFlag,
  policySettingMismatch,
  policyWrongColumn,
  policyColumnOptOut,
  policyNullTenant,
  tenantColumnNullable,
  tenantDefaultConstant,
  policySubqueryCapture,
  policyTrustsUnprotectedTable,
  policyUserNotTenant,
  policyRoleIdentity,
  policyLossyCompare,
  policyRangeCompare,
  policyFunctionUntrusted,
  policyFunctionSearchPath,
  policyFunctionConstant,
  policyUserClaim,
]
