import type { Attack } from '../attack/attack.ts'
import { become } from './become.ts'
import { brokenPatterns } from './broken-patterns.ts'
import { cachedPlan } from './cached-plan.ts'
import { callFunctions } from './call-functions.ts'
import { createObjects } from './create-objects.ts'
import { crossReferences } from './cross-references.ts'
import { defaultPrivileges } from './default-privileges.ts'
import { defaultTenant } from './default-tenant.ts'
import { emptySetting } from './empty-setting.ts'
import { explainPolicies } from './explain-policies.ts'
import { fireRules } from './fire-rules.ts'
import { fireTriggers } from './fire-triggers.ts'
import { forgeSetting } from './forge-setting.ts'
import { largeObject } from './large-object.ts'
import { lastingSetters } from './lasting-setters.ts'
import { leakyFunctions } from './leaky-functions.ts'
import { letIn } from './let-in.ts'
import { ownObjects } from './own-objects.ts'
import { readAcross } from './read-across.ts'
import { readSealKeys } from './read-seal-keys.ts'
import { readShared } from './read-shared.ts'
import { readStatistics } from './read-statistics.ts'
import { readUnbound } from './read-unbound.ts'
import { recurse } from './recurse.ts'
import { replaceFunctions } from './replace-functions.ts'
import { rolePowers } from './role-powers.ts'
import { setFlags } from './set-flags.ts'
import { shadowNames } from './shadow-names.ts'
import { shadowTables } from './shadow-tables.ts'
import { shapeRows } from './shape-rows.ts'
import { storedSetting } from './stored-setting.ts'
import { takenChecks } from './taken-checks.ts'
import { takenValues } from './taken-values.ts'
import { tellPoliciesApart } from './tell-policies-apart.ts'
import { throughViews } from './through-views.ts'
import { truncate } from './truncate.ts'
import { unforcedOwner } from './unforced-owner.ts'
import { userOfTwo } from './user-of-two.ts'
import { writeAcross } from './write-across.ts'
import { writeShared } from './write-shared.ts'

/** Every attack, in the order in which they run. */
export const attacks: readonly Attack[] = [
  readAcross,
  recurse,
  writeAcross,
  tellPoliciesApart,
  writeShared,
  truncate,
  throughViews,
  callFunctions,
  brokenPatterns,
  setFlags,
  shapeRows,
  readShared,
  readUnbound,
  letIn,
  cachedPlan,
  crossReferences,
  takenValues,
  become,
  ownObjects,
  rolePowers,
  createObjects,
  defaultPrivileges,
  largeObject,
  readSealKeys,
  forgeSetting,
  emptySetting,
  storedSetting,
  defaultTenant,
  userOfTwo,
  fireTriggers,
  fireRules,
  leakyFunctions,
  takenChecks,
  lastingSetters,
  replaceFunctions,
  shadowTables,
  shadowNames,
  explainPolicies,
  unforcedOwner,
  readStatistics,
]
