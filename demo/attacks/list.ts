import type { AttackGroup } from '../attack.ts'
import { injection } from './injection.ts'
import { layerProbes } from './layers.ts'
import { otherIds } from './other-ids.ts'
import { rawSql } from './raw-sql.ts'
import { tokens } from './tokens.ts'

/** All attacks of the demo, in the order of its story. */
export const attackGroups: readonly AttackGroup[] = [otherIds, rawSql, injection, tokens, layerProbes]
