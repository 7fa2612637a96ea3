import type pg from 'pg'

/** Makes pg return each value as text, also numbers and dates. */
const ALL_TEXT = { getTypeParser: () => (value: string | Buffer) => value }

/**
 * Number of rows per fetch: enough that round trips hardly matter, and few enough that the largest rows of a tenant (a quarter of a
 * megabyte each) fit into memory (50 MB).
 */
const FETCH = 200

/**
 * Passes all rows of a declared cursor to the callback, each as an array of texts, and closes the cursor. The server prepares the next rows
 * while the callback runs.
 */
export async function readCursor(
  client: pg.ClientBase,
  name: string,
  row: (columns: readonly unknown[]) => void,
): Promise<void> {
  const fetch = () =>
    client.query<unknown[]>({ text: `fetch ${FETCH} from ${name}`, rowMode: 'array', types: ALL_TEXT })
  let fetching = fetch()
  for (;;) {
    const { rows } = await fetching
    const last = rows.length < FETCH
    if (!last) {
      fetching = fetch()
      fetching.catch(() => {}) // awaited in the next round, unless a row throws before
    }
    for (const each of rows) row(each)
    if (last) break
  }
  await client.query(`close ${name}`)
}

/**
 * Settings of a transaction that reads a whole log. The fixed search_path ignores settings that are stored for the login. Sorts get more
 * memory. JIT is off, because it would compile a query that runs only once.
 */
export const READING =
  "select set_config('search_path', 'pg_catalog', true), set_config('work_mem', '128MB', true), set_config('jit', 'off', true)"
