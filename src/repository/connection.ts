import { databaseRefusal } from './database-refusal.ts'

interface Answer {
  readonly rows: unknown[]
  readonly rowCount: number | null
}

/** A statement that a repository sends often, in the form of pg's query config. */
export interface RepositoryStatement {
  readonly text: string
  values: unknown[]
  /** Asks the tenant pool to prepare the statement once per connection. Other pools may ignore this. */
  readonly prepare: boolean
}

/** A connection for a repository: a tenant pool, a checked-out client, or an open transaction. */
export interface RepositoryConnection {
  query(text: string, values: unknown[]): Promise<Answer>
  query(statement: RepositoryStatement): Promise<Answer>
}

/** A pool that can open transactions. */
export interface RepositoryPool extends RepositoryConnection {
  transaction<T>(fn: (transaction: RepositoryConnection) => Promise<T>): Promise<T>
}

/** Sends a statement. Errors of PostgreSQL are translated into errors for a client. */
export async function send(connection: RepositoryConnection, text: string, values: unknown[]): Promise<unknown[]> {
  try {
    return (await connection.query(text, values)).rows
  } catch (error) {
    throw databaseRefusal(error)
  }
}

/** Like {@link send}, but prepares the statement. Use it only for statements that have few different texts. */
export async function sendPrepared(
  connection: RepositoryConnection,
  text: string,
  values: unknown[],
): Promise<unknown[]> {
  try {
    return (await connection.query({ text, values, prepare: true })).rows
  } catch (error) {
    throw databaseRefusal(error)
  }
}
