import type { PgField, PgResult } from './pg-internals.ts'

/** The columns of one statement's answer. */
interface RowShape {
  readonly fields: readonly PgField[]
  /** A row without values. pg copies it for each row. */
  readonly emptyRow: object
}

/**
 * The result columns of one connection's prepared statements. They stay the same while a statement stays prepared: if a table has changed,
 * the server refuses the statement ("cached plan must not change result type").
 */
export class RowShapes {
  readonly #shapes = new Map<string, RowShape>()

  knows(name: string): boolean {
    return this.#shapes.has(name)
  }

  /**
   * Gives a result its columns. pg's `addFields` does the same, but costs a tenth of a query. The fields are copies, because an application
   * may change `result.fields`. The parsers are looked up each time, because the application may replace them.
   */
  describe(name: string, result: PgResult): void {
    const { fields = [], emptyRow = {} } = this.#shapes.get(name) ?? {}
    if (fields.length === 0) return
    const { _types: types } = result
    if (types === undefined || types === null) {
      result.addFields(fields.map(copyOf))
      return
    }
    result.fields = fields.map(copyOf)
    result._parsers = fields.map(({ dataTypeID, format }) => types.getTypeParser(dataTypeID, format || 'text'))
    result._prebuiltEmptyResultObject = emptyRow
  }

  /** Called when the statement was closed. */
  forget(name: string): void {
    this.#shapes.delete(name)
  }

  /** @param fields empty if the statement returns no rows */
  remember(name: string, fields: readonly PgField[]): void {
    const row: Record<string, null> = Object.create(null)
    for (const field of fields) row[field.name] = null
    this.#shapes.set(name, { fields: fields.map(copyOf), emptyRow: { ...row } })
  }
}

function copyOf(field: PgField): PgField {
  return { ...field }
}
