import type pg from 'pg'

/** Numbers and dates stay texts. */
const ALL_TEXT = { getTypeParser: () => (value: string | Buffer) => value }

/**
 * How many rows come at once: many enough that round trips don't count, and so few that the largest rows that a tenant can write
 * (a quarter of a megabyte) fit into memory: 50 MB.
 */
const FETCH = 200

/**
 * Hands over all rows of a declared cursor, each an array of texts, and closes it. The server makes the next rows while these are
 * worked on.
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
 * Settings of a transaction that reads a whole log: names mean PostgreSQL's own objects whatever was stored for the login, sorts
 * have room, and no time goes into compiling a query that runs once.
 */
export const READING =
  "select set_config('search_path', 'pg_catalog', true), set_config('work_mem', '128MB', true), set_config('jit', 'off', true)"
