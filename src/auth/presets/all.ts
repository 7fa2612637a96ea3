import { clerkV1 } from './clerk-v1.ts'
import { clerkV2 } from './clerk-v2.ts'
import { keycloak } from './keycloak.ts'
import type { Preset } from './preset.ts'
import { workos } from './workos.ts'

/** Names of the presets, as `preset` takes them. */
export const PRESET_NAMES = ['clerk-v1', 'clerk-v2', 'workos', 'keycloak'] as const

export type PresetName = (typeof PRESET_NAMES)[number]

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  'clerk-v1': clerkV1,
  'clerk-v2': clerkV2,
  workos,
  keycloak,
}
