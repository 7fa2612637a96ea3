import type { PgConnection } from '../../wire/pg-internals.ts'
import type { ContextForm } from './context-statement.ts'

/**
 * Keeps track of the unnamed prepared statement of a shared connection. Several tenants' statements are under way at once, so only the
 * server's answers show which text a Bind would use.
 */
export class UnnamedStatement {
  /** The form that a Bind would use now, because the server has acknowledged its Parse; undefined if that is not certain. */
  #held: ContextForm | undefined
  /** If our latest Parses all wrote the same text, the number of the first of them; 0 after another text was written. */
  #oursSince = 0
  #oursForm: ContextForm | undefined
  #parses = 0

  holds(form: ContextForm): boolean {
    return this.#held === form
  }

  /** @returns the number of this Parse */
  parse(
    connection: PgConnection,
    form: ContextForm,
    statement: { readonly text: string; readonly types: readonly number[] },
  ): number {
    connection.parse(statement)
    const parse = ++this.#parses
    if (this.#oursSince === 0 || this.#oursForm !== form) this.#oursSince = parse
    this.#oursForm = form
    this.#held = undefined
    return parse
  }

  /** The server has answered the statement after this Parse. */
  acknowledged(parse: number): void {
    // Only the same text was written since this Parse, so later statements may bind it.
    if (parse > 0 && this.#oursSince > 0 && parse >= this.#oursSince) this.#held = this.#oursForm
  }

  /** Called if another text was parsed, or if an error makes it unknown which text a Bind would use. */
  inDoubt(): void {
    this.#held = undefined
    this.#oursSince = 0
  }
}
