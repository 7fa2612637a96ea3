import type { TestDatabase } from './database.ts'

/** PostgreSQL ends one of two transactions that wait for each other: "deadlock_detected". */
const DEADLOCK = '40P01'
const ATTEMPTS = 5

/**
 * Takes roles out of the server, with what they own and may do in the databases.
 *
 * DROP OWNED locks every object on which a role has privileges. Autovacuum, or another test that drops roles, may wait for one of them in
 * turn: the server then ends one of both, and this asks again.
 */
export async function dropRoles(databases: readonly TestDatabase[], roles: readonly string[]): Promise<void> {
  for (const database of databases)
    for (const role of roles) await despiteDeadlocks(() => database.admin(`drop owned by ${role}`))
  const [first] = databases
  for (const role of roles) await first?.admin(`drop role ${role}`)
}

async function despiteDeadlocks(run: () => Promise<unknown>, attempt = 1): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (attempt === ATTEMPTS || !(error instanceof Error) || Reflect.get(error, 'code') !== DEADLOCK) throw error
    await despiteDeadlocks(run, attempt + 1)
  }
}
