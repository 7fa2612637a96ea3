import type { Column, Oid, Relation } from '../../catalog/model.ts'

export type Side = 'a' | 'b'

/** A row that verify planted for one tenant. */
export interface PlantedRow {
  readonly side: Side
  /** All columns as the server's text. */
  readonly values: Readonly<Record<string, string | null>>
  /** `t::text` of the row: compared to see whether it was changed. */
  readonly text: string
}

/** One tenant of the attack. */
export interface PlantedTenant {
  readonly side: Side
  /** Its id as the tenant column's text. */
  readonly id: string
  /** In every text and json column of its rows that could take it. */
  readonly canary: string
}

export interface Planting {
  readonly nonce: string
  readonly tenants: Readonly<Record<Side, PlantedTenant>>
  readonly rows: ReadonlyMap<Oid, Readonly<Partial<Record<Side, PlantedRow>>>>
  /** Why a table has no row, in the server's words. */
  readonly failures: ReadonlyMap<Oid, string>
  /** Tables on which the server waited too long: they are left alone from then on. */
  readonly stalled: ReadonlySet<Oid>
  row(relation: Relation, side: Side): PlantedRow | undefined
  /** The row of its side, as it is now. */
  put(relation: Relation, row: PlantedRow): void
}

/** A draft of an INSERT: SQL by column. */
export type Draft = ReadonlyMap<Column, string>
