import pg from 'pg'

/** One connection of a superuser. */
export interface Session {
  query(text: string): Promise<readonly Record<string, unknown>[]>
  end(): Promise<void>
}

export async function openSession(url: string): Promise<Session> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // the database is dropped with connections open
  await client.connect()
  return {
    query: async (text) => (await client.query<Record<string, unknown>>(text)).rows,
    end: () => client.end(),
  }
}
