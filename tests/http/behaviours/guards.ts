import { beforeAll, expect, it } from 'vitest'
import type { Setting } from '../application.ts'
import type { Got } from '../client.ts'
import { startWorld, type World } from '../world.ts'

export function guardBehaviours(serve: (setting: Setting) => Promise<string>): void {
  let world: World
  beforeAll(async () => {
    world = await startWorld(serve)
  })

  function expectRefusal(answer: Got): void {
    expect(answer).toMatchObject({ status: 403, body: { code: 'PARTYWALL_TENANT_ISOLATION', status: 403 } })
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.text + JSON.stringify(answer.headers)).not.toMatch(new RegExp(`secret|${world.b.id}`))
  }

  it('replaces an answer that names another tenant, with its headers', async () => {
    const answer = await world.as(world.a, '/foreign')
    expectRefusal(answer)
    expect(answer.headers['x-total-count']).toBeUndefined()
    expect(answer.headers['etag']).toBeUndefined()
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('answers HEAD as it answers GET', async () => {
    const answer = await world.as(world.a, '/foreign', { method: 'HEAD' })
    expect(answer).toMatchObject({ status: 403, text: '' })
    expect(answer.headers['x-total-count']).toBeUndefined()
  })

  it('cuts a stream before the record of another tenant', async () => {
    const answer = await world.as(world.a, '/foreign-stream')
    expect(answer).toMatchObject({ status: 200, complete: false })
    expect(answer.text).toContain('ours')
    expect(answer.text).not.toMatch(new RegExp(`secret|${world.b.id}`))
  })

  it('answers 403 if the first record of a stream is of another tenant', async () => {
    expectRefusal(await world.as(world.a, '/foreign-first'))
  })

  it('lets an answer pass that is not JSON', async () => {
    const answer = await world.as(world.a, '/page-of-others')
    expect(answer).toMatchObject({ status: 200, complete: true })
  })
}
