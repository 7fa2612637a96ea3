import type { AttackGroup } from '../attack.ts'
import { audit } from './audit.ts'
import { fairShares } from './fair-shares.ts'
import { injection } from './injection.ts'
import { layerProbes } from './layers.ts'
import { otherIds } from './other-ids.ts'
import { rawSql } from './raw-sql.ts'
import { tokens } from './tokens.ts'
import { whoMay } from './who-may.ts'

/** All attacks of the demo, in the order of its story; the log comes last, since it holds what the others tried. */
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
