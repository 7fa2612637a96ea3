import type { Rule } from '../finding/rule.ts'
import { advisoryLockGlobal } from './advisory-lock-global.ts'
import { backendSignal } from './backend-signal.ts'
import { checkFunctionCrosses } from './check-function-crosses.ts'
import { escapeBuiltinGranted } from './escape-builtin-granted.ts'
import { escapeDblinkFdw } from './escape-dblink-fdw.ts'
import { escapeLanguage } from './escape-language.ts'
import { exclusionNotTenantScoped } from './exclusion-not-tenant-scoped.ts'
import { fkCascadeCrosses } from './fk-cascade-crosses.ts'
import { fkCrossesTenants } from './fk-crosses-tenants.ts'
import { fkMatchSimpleNull } from './fk-match-simple-null.ts'
import { fkNotEnforced } from './fk-not-enforced.ts'
import { fkSetNullClearsTenant } from './fk-set-null-clears-tenant.ts'
import { foreignTableExposed } from './foreign-table-exposed.ts'
import { functionNotifyPayload } from './function-notify-payload.ts'
import { functionRowSecurityOff } from './function-row-security-off.ts'
import { functionTempResidue } from './function-temp-residue.ts'
import { globalTableWritable } from './global-table-writable.ts'
import { grantDefaultPrivileges } from './grant-default-privileges.ts'
import { grantMaintain } from './grant-maintain.ts'
import { grantPublic } from './grant-public.ts'
import { grantReferences } from './grant-references.ts'
import { grantTemporary } from './grant-temporary.ts'
import { grantTenantColumnUpdate } from './grant-tenant-column-update.ts'
import { grantTenantRegistryWrite } from './grant-tenant-registry-write.ts'
import { grantTrigger } from './grant-trigger.ts'
import { grantTruncate } from './grant-truncate.ts'
import { inheritanceChildExposed } from './inheritance-child-exposed.ts'
import { largeObjects } from './large-objects.ts'
import { leakproofFalse } from './leakproof-false.ts'
import { lockTable } from './lock-table.ts'
import { loginRoleWider } from './login-role-wider.ts'
import { matviewExposed } from './matview-exposed.ts'
import { parameterPrivilege } from './parameter-privilege.ts'
import { partitionExposed } from './partition-exposed.ts'
import { pkNotTenantLed } from './pk-not-tenant-led.ts'
import { policyAlwaysTrue } from './policy-always-true.ts'
import { policyBlindsIndex } from './policy-blinds-index.ts'
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
import { policyPerRow } from './policy-per-row.ts'
import { policyPermissiveOr } from './policy-permissive-or.ts'
import { policyRangeCompare } from './policy-range-compare.ts'
import { policyRecursion } from './policy-recursion.ts'
import { policyRoleIdentity } from './policy-role-identity.ts'
import { policyRoleWide } from './policy-role-wide.ts'
import { policySettingMismatch } from './policy-setting-mismatch.ts'
import { policySubqueryCapture } from './policy-subquery-capture.ts'
import { policyTrustsSearchPath } from './policy-trusts-search-path.ts'
import { policyTrustsUnprotectedTable } from './policy-trusts-unprotected-table.ts'
import { policyUnsealed } from './policy-unsealed.ts'
import { policyUserClaim } from './policy-user-claim.ts'
import { policyUserNotTenant } from './policy-user-not-tenant.ts'
import { policyWrongColumn } from './policy-wrong-column.ts'
import { publicationUnfiltered } from './publication-unfiltered.ts'
import { queryTextVisible } from './query-text-visible.ts'
import { replaceableTypeOperator } from './replaceable-type-operator.ts'
import { restrictiveOnly } from './restrictive-only.ts'
import { rlsDisabled } from './rls-disabled.ts'
import { rlsNotForced } from './rls-not-forced.ts'
import { roleBypassrls } from './role-bypassrls.ts'
import { roleCanBecomePrivileged } from './role-can-become-privileged.ts'
import { roleCreaterole } from './role-createrole.ts'
import { roleMonitor } from './role-monitor.ts'
import { rolePredefined } from './role-predefined.ts'
import { roleReplication } from './role-replication.ts'
import { roleSecondLogin } from './role-second-login.ts'
import { roleSelfSettings } from './role-self-settings.ts'
import { roleSuperuser } from './role-superuser.ts'
import { ruleAsOwner } from './rule-as-owner.ts'
import { schemaCodePinned } from './schema-code-pinned.ts'
import { schemaCreate } from './schema-create.ts'
import { schemaDefaultPrivileges } from './schema-default-privileges.ts'
import { schemaDefinerReachable } from './schema-definer-reachable.ts'
import { schemaDependsOnNeighbour } from './schema-depends-on-neighbour.ts'
import { schemaDrift } from './schema-drift.ts'
import { schemaMapStale } from './schema-map-stale.ts'
import { schemaOwnedByApp } from './schema-owned-by-app.ts'
import { schemaPolicyWrongTenant } from './schema-policy-wrong-tenant.ts'
import { schemaRoleOnly } from './schema-role-only.ts'
import { schemaSharedName } from './schema-shared-name.ts'
import { schemaTableUnwalled } from './schema-table-unwalled.ts'
import { sealKeyReadable } from './seal-key-readable.ts'
import { sealOracle } from './seal-oracle.ts'
import { secdefCallerPattern } from './secdef-caller-pattern.ts'
import { secdefDynamicSql } from './secdef-dynamic-sql.ts'
import { secdefSearchPath } from './secdef-search-path.ts'
import { secdefTenantArgument } from './secdef-tenant-argument.ts'
import { secdefUnfiltered } from './secdef-unfiltered.ts'
import { sequenceExhaustible } from './sequence-exhaustible.ts'
import { sequenceOracle } from './sequence-oracle.ts'
import { sequenceWritable } from './sequence-writable.ts'
import { serialKeyGiven } from './serial-key-given.ts'
import { serverMinorOutdated } from './server-minor-outdated.ts'
import { setterSessionScope } from './setter-session-scope.ts'
import { settingDefault } from './setting-default.ts'
import { settingForgeable } from './setting-forgeable.ts'
import { shadowCopyExposed } from './shadow-copy-exposed.ts'
import { statisticsOracle } from './statistics-oracle.ts'
import { statsVisible } from './stats-visible.ts'
import { tableOwnedByApp } from './table-owned-by-app.ts'
import { tenantColumnNullable } from './tenant-column-nullable.ts'
import { tenantDefaultConstant } from './tenant-default-constant.ts'
import { tenantIndexMissing } from './tenant-index-missing.ts'
import { tenantRegistryReadable } from './tenant-registry-readable.ts'
import { triggerDefinerCrosses } from './trigger-definer-crosses.ts'
import { triggerGuardDisabled } from './trigger-guard-disabled.ts'
import { triggerOverwritesTenant } from './trigger-overwrites-tenant.ts'
import { uniqueNotTenantScoped } from './unique-not-tenant-scoped.ts'
import { untenantedChild } from './untenanted-child.ts'
import { untenantedPayload } from './untenanted-payload.ts'
import { unwalledSecrets } from './unwalled-secrets.ts'
import { upsertCrosses } from './upsert-crosses.ts'
import { viewDefiner } from './view-definer.ts'
import { viewFilterNoBarrier } from './view-filter-no-barrier.ts'
import { viewNestedDefiner } from './view-nested-definer.ts'
import { viewWriteNoCheck } from './view-write-no-check.ts'

/** Every rule, in the order of the groups below. */
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
  // 2. The role
  roleSuperuser,
  roleBypassrls,
  roleCanBecomePrivileged,
  roleCreaterole,
  roleReplication,
  rolePredefined,
  roleMonitor,
  loginRoleWider,
  parameterPrivilege,
  // 3. Grants
  grantTruncate,
  grantTrigger,
  grantReferences,
  grantMaintain,
  grantPublic,
  grantDefaultPrivileges,
  grantTenantRegistryWrite,
  tenantRegistryReadable,
  globalTableWritable,
  grantTenantColumnUpdate,
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
  policyRecursion,
  policyRoleIdentity,
  policyLossyCompare,
  policyRangeCompare,
  policyFunctionUntrusted,
  policyFunctionSearchPath,
  policyFunctionConstant,
  policyUserClaim,
  // 5. Views, functions, triggers, rules
  viewDefiner,
  viewNestedDefiner,
  viewFilterNoBarrier,
  viewWriteNoCheck,
  secdefUnfiltered,
  secdefTenantArgument,
  secdefSearchPath,
  secdefDynamicSql,
  secdefCallerPattern,
  functionRowSecurityOff,
  setterSessionScope,
  settingDefault,
  triggerDefinerCrosses,
  triggerGuardDisabled,
  triggerOverwritesTenant,
  ruleAsOwner,
  leakproofFalse,
  functionNotifyPayload,
  functionTempResidue,
  checkFunctionCrosses,
  // 6. Keys and constraints
  fkCrossesTenants,
  fkCascadeCrosses,
  fkMatchSimpleNull,
  fkSetNullClearsTenant,
  fkNotEnforced,
  uniqueNotTenantScoped,
  exclusionNotTenantScoped,
  unwalledSecrets,
  upsertCrosses,
  sequenceWritable,
  sequenceExhaustible,
  serialKeyGiven,
  sequenceOracle,
  // 7. Schemas and other objects
  schemaTableUnwalled,
  schemaPolicyWrongTenant,
  policyTrustsSearchPath,
  schemaRoleOnly,
  schemaSharedName,
  schemaDrift,
  schemaDependsOnNeighbour,
  schemaCodePinned,
  schemaDefinerReachable,
  schemaMapStale,
  schemaDefaultPrivileges,
  schemaCreate,
  largeObjects,
  publicationUnfiltered,
  replaceableTypeOperator,
  // 8. Statistics and metadata
  statsVisible,
  queryTextVisible,
  statisticsOracle,
  serverMinorOutdated,
  // 9. Ways out of the database
  escapeDblinkFdw,
  escapeBuiltinGranted,
  escapeLanguage,
  // 10. Context and cost
  settingForgeable,
  advisoryLockGlobal,
  tenantIndexMissing,
  policyPerRow,
  policyBlindsIndex,
  grantTemporary,
  policyUnsealed,
  sealKeyReadable,
  sealOracle,
  roleSecondLogin,
  roleSelfSettings,
  backendSignal,
  lockTable,
  pkNotTenantLed,
]
