import type { Layers } from './attacked-api/layers.ts'

/** How one layer is taken out: by SQL on the demo's database, or in the wiring of the example. partywall itself has no such switch. */
interface LayerRemoval {
  readonly sql?: readonly string[]
  readonly wiring?: Partial<Layers>
  /** The application is wired without an audit log, and its tables without capture. */
  readonly noAudit?: true
}

const removals = {
  rls: {
    sql: ['alter table documents disable row level security', 'alter table documents no force row level security'],
  },
  force: { sql: ['alter table documents no force row level security'] },
  seal: { sql: ['drop policy tenant_seal_policy on documents'] },
  trigger: { sql: ['alter table guarded_notes disable trigger enforce_tenant_id'] },
  'token-check': { wiring: { tokenCheck: false } },
  directory: { wiring: { directory: false } },
  'repository-filter': { wiring: { repositoryFilter: false } },
  guard: { wiring: { guard: false } },
  permissions: { wiring: { permissions: false } },
  limits: { wiring: { limits: false } },
  audit: { noAudit: true },
} as const satisfies Record<string, LayerRemoval>

export type LayerName = keyof typeof removals

export const layerNames = Object.keys(removals) as readonly LayerName[]

export function removalOf(layer: LayerName | undefined): LayerRemoval {
  return layer === undefined ? {} : removals[layer]
}
