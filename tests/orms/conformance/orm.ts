import type { Partywall } from '../../../src/partywall.ts'

/** A row of the table `books`, as each ORM's adapter returns it. */
export interface Book {
  readonly id: string
  readonly tenantId: string
  readonly title: string
  readonly n: number
}

export interface Shelf {
  readonly tenantId: string
  readonly books: readonly Book[]
}

/** Values of a new book. The tenant is the context's, unless an attacker names one. */
export interface NewBook {
  readonly title: string
  /** The tenant that writes, so that a write that crossed can be found as superuser. */
  readonly writer: string
  readonly n?: number
  readonly shelfId?: string
  readonly tenantId?: string
}

/** What an ORM does on a database, or inside one of its transactions. */
export interface Operations {
  /** All books, by the ORM's own query. */
  all(): Promise<Book[]>
  byId(id: string): Promise<Book | undefined>
  count(): Promise<number>
  insert(book: NewBook): Promise<Book>
  insertMany(books: readonly NewBook[]): Promise<unknown>
  /** Inserts a book, or sets `n` of the book with this title. */
  upsert(book: NewBook): Promise<unknown>
  /** @returns how many rows were changed */
  setN(id: string, n: number): Promise<number>
  /** Sets `n` of all books that the ORM sees. @returns how many rows were changed */
  setAllN(n: number): Promise<number>
  /** Changes the tenant of a row. */
  move(id: string, tenantId: string): Promise<unknown>
  /** @returns how many rows were removed */
  remove(id: string): Promise<number>
  shelves(): Promise<Shelf[]>
  /** A text of the application's own with `$1` parameters. */
  raw(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** A transaction; inside a transaction, a savepoint. */
  transaction<T>(fn: (inside: Operations) => Promise<T>): Promise<T>
}

/** An ORM on the tenant pool. */
export interface OpenOrm extends Operations {
  /** Books one after another, in the way of this ORM for large results. */
  stream(): AsyncIterable<Book>
  /** A query that starts when it is awaited; the ORM's own thenable, if it has one. */
  lazy(): PromiseLike<unknown>
  close(): Promise<unknown>
}

export interface OrmUnderTest {
  readonly name: string
  /** Package name, for its version. */
  readonly package: string
  readonly version: string
  /** Opens the ORM as the recipe says. */
  open(wall: Partywall): Promise<OpenOrm>
  /**
   * The code of an answer to a missing privilege, if the library drops what tells it from a refused row (both are 42501): the `routine` of
   * PostgreSQL's error.
   */
  readonly privilegeCode?: 'PARTYWALL_TENANT_ISOLATION'
  /** The library's own pool lends a connection once more after its backend was terminated, also without partywall. */
  readonly keepsBroken?: true
  /** Behaviours that this library has no operation for, each with the reason. They are checked in another way, and named in the docs. */
  readonly lacks?: Readonly<Record<string, string>>
}
