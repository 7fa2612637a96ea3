import type { AttackGroup } from '../attack.ts'
import { audit } from './audit.ts'
import { fairShares } from './fair-shares.ts'
import { injection } from './injection.ts'
import { layerProbes } from './layers.ts'
import { otherIds } from './other-ids.ts'
import { rawSql } from './raw-sql.ts'
import { tokens } from './tokens.ts'
import { whoMay } from './who-may.ts'

/** All attacks of the demo in their order. The audit log comes last, because it must contain the other attacks. */
export const attackGroups: readonly AttackGroup[] = [
  otherIds,
  rawSql,
  injection,
  tokens,
  layerProbes,
  whoMay,
  fairShares,
  audit,
]
