import type { PgConnection } from '../../wire/pg-internals.ts'
import type { ContextForm } from './context-statement.ts'

/**
 * What the unnamed prepared statement of a shared connection holds. Several tenants' statements are on their way at once, so that only
 * the server's answers tell what a Bind would find.
 */
export class UnnamedStatement {
  /** The form that it holds for certain: the server has acknowledged it. */
  #held: ContextForm | undefined
  /** From this Parse of ours on, nothing but the same text was written to it; 0 where there is none. */
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

  /** The server has answered what stood behind this Parse. */
  acknowledged(parse: number): void {
    // All that was written to it since is the same text: it holds what later statements may bind.
    if (parse > 0 && this.#oursSince > 0 && parse >= this.#oursSince) this.#held = this.#oursForm
  }

  /** Somebody else's text was written to it, or an error leaves open what it holds. */
  inDoubt(): void {
    this.#held = undefined
    this.#oursSince = 0
  }
}
