/**
 * The columns of the answers of one connection's prepared statements. As long as a statement stays prepared its columns stay: the server
 * refuses it where a table has changed ("cached plan must not change result type").
 */
export class RowShapes {
  readonly #fields = new Map<string, readonly object[]>()

  /** Copies, since an application may change what it finds in `result.fields`. Undefined where the server must be asked. */
  fieldsOf(name: string): object[] | undefined {
    return this.#fields.get(name)?.map(copyOf)
  }

  /** The statement was closed. */
  forget(name: string): void {
    this.#fields.delete(name)
  }

  /** @param fields empty where the statement gives no rows */
  remember(name: string, fields: readonly object[]): void {
    this.#fields.set(name, fields.map(copyOf))
  }
}

function copyOf(field: object): object {
  return Object.assign(Object.create(Object.getPrototypeOf(field)), field)
}
