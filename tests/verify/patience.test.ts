import pg from 'pg'
import { expect, inject, it } from 'vitest'
import { patientSession } from '../../src/verify/attack/patience.ts'
import { attackSession } from '../../src/verify/attack/session.ts'

it('waits less, the more probes have run into the statement time-out, also after an outer roll-back', async () => {
  const client = new pg.Client({ connectionString: inject('postgres').url })
  await client.connect()
  try {
    await client.query('begin; set local statement_timeout = 1000; savepoint attack')
    const { session, timedOut } = patientSession(attackSession(client), 1000)
    const limit = async () => {
      const answer = await session.probe(() => session.text('show statement_timeout'))
      return answer.ok ? answer.value.rows[0]?.['statement_timeout'] : answer.error.message
    }
    const sleep = () => session.probe(() => session.run('set local statement_timeout = 30; select pg_sleep(60)'))
    for (let n = 0; n < 2; n += 1) await sleep()
    // Errors of another kind are answers, and no reason to hurry.
    await session.probe(() => session.run('select 1 / 0'))
    expect(await limit()).toBe('1s')
    await sleep()
    expect(await limit()).toBe('200ms')
    await client.query('rollback to savepoint attack')
    expect(await limit()).toBe('200ms')
    for (let n = 0; n < 7; n += 1) await sleep()
    expect(await limit()).toBe('50ms')
    expect(timedOut()).toBe(10)
  } finally {
    await client.query('rollback')
    await client.end()
  }
})
