import type { Column, Oid, Relation } from '../../catalog/model.ts'
import type { DrawnSequence } from './drawn-sequences.ts'

export type Side = 'a' | 'b'

/** A row that verify planted for one tenant. */
export interface PlantedRow {
  readonly side: Side
  /** The values of all columns, as the text that the server returns. */
  readonly values: Readonly<Record<string, string | null>>
  /** `t::text` of the row. A comparison with this text shows whether the row was changed. */
  readonly text: string
}

/** One tenant of the attack. */
export interface PlantedTenant {
  readonly side: Side
  /** The tenant's id, as the text of the tenant column. */
  readonly id: string
  /** The text that is put into every text and JSON column of this tenant's rows that accepts it. */
  readonly canary: string
}

export interface Planting {
  readonly nonce: string
  readonly tenants: Readonly<Record<Side, PlantedTenant>>
  readonly rows: ReadonlyMap<Oid, Readonly<Partial<Record<Side, PlantedRow>>>>
  /** The server's error message for each table in which no row could be planted. */
  readonly failures: ReadonlyMap<Oid, string>
  /** Tables on which planting timed out. They are not tried again. */
  readonly stalled: ReadonlySet<Oid>
  /** The sequences from which values were drawn, as they were after planting. */
  readonly drawn: ReadonlyMap<Oid, DrawnSequence>
  row(relation: Relation, side: Side): PlantedRow | undefined
  /** Replaces the stored copy of a planted row after the row was changed. */
  put(relation: Relation, row: PlantedRow): void
}

/** The first number that planted values of a run contain. Further values count up from this number. */
export function firstSerial(nonce: string): number {
  return 1_000_000 + (Number.parseInt(nonce, 16) % 1_000_000) * 100
}

/** A draft of an INSERT: SQL by column. */
export type Draft = ReadonlyMap<Column, string>
