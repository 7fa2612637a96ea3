import { randomBytes } from 'node:crypto'
import pg from 'pg'

/**
 * Makes and drops roles, with memberships and settings, as others do on a server that several teams use.
 *
 * @param url a superuser's
 * @param pauseMs how long the roles of one round stand
 */
export async function makeRolesAllTheTime(url: string, pauseMs: number): Promise<{ stop(): Promise<number> }> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  let stopped = false
  async function make() {
    let made = 0
    while (!stopped) {
      const [group, member] = [0, 1].map(() => `passing_${randomBytes(6).toString('hex')}`)
      await client.query(
        `create role ${group}; create role ${member} login bypassrls in role ${group}, pg_monitor; alter role ${member} set row_security = off`,
      )
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      await client.query(`drop role ${group}, ${member}`)
      made += 1
    }
    return made
  }
  const making = make()
  // Whoever stops it is told.
  making.catch(() => {})
  return {
    async stop() {
      stopped = true
      try {
        return await making
      } finally {
        await client.end()
      }
    },
  }
}
