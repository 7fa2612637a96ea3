// wall.handle without a server: what a server does with a Request and a Response is played by the test.
import { beforeAll, describe, expect, it } from 'vitest'
import { tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'
import type { HandleOptions } from '../../src/http/fetch/handle-fetch.ts'
import type { FetchHandler } from '../../src/partywall.ts'
import { startWorld, type World } from './world.ts'

describe('wall.handle', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld(async () => 'http://no-server.example')
  })

  async function handle(fn: FetchHandler, init: RequestInit = {}, options: HandleOptions = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${await world.token(world.a)}` }
    return world.wall.handle(new Request('http://api.example/x', { headers, ...init }), options, fn)
  }

  /** A body that never ends, and notes for whom it was cancelled. */
  function endless(cancelled: unknown[]): ReadableStream<Uint8Array> {
    return new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.from('x')),
      cancel: () => void cancelled.push(tryGetCurrentTenant()?.tenantId),
    })
  }

  it('ends a streaming answer with an error when request.signal is aborted, and cancels its source', async () => {
    const cancelled: unknown[] = []
    const abort = new AbortController()
    const answer = await handle(() => new Response(endless(cancelled)), { signal: abort.signal })
    const reader = answer.body?.getReader()
    await reader?.read()
    abort.abort()
    await expect(reader?.read()).rejects.toMatchObject({ name: 'AbortError' })
    await expect.poll(() => cancelled).toEqual([world.a.id])
  })

  it('answers at once when request.signal is aborted before the handler has answered', async () => {
    const abort = new AbortController()
    const cancelled: unknown[] = []
    let finish = () => {}
    const waits = new Promise<void>((resolve) => {
      finish = resolve
    })
    const answered = handle(
      async () => {
        abort.abort()
        await waits
        return new Response(endless(cancelled))
      },
      { signal: abort.signal },
    )
    expect((await answered).status).toBe(499)
    finish()
    await expect.poll(() => cancelled.length).toBe(1)
  })

  it('reads the source in the context of its tenant, however late the client reads', async () => {
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(Buffer.from(String(tryGetCurrentTenant()?.tenantId))),
      })
    const answer = await handle(() => new Response(body()))
    const reader = answer.body?.getReader()
    for (let round = 0; round < 4; round++) {
      await new Promise((resolve) => setTimeout(resolve, 10)) // the source is ahead now
      const piece = await reader?.read()
      expect(Buffer.from(piece?.value ?? []).toString()).toBe(world.a.id)
    }
    await reader?.cancel()
  })

  it('cancels the source in the context of its tenant when the answer is cancelled', async () => {
    const cancelled: unknown[] = []
    const answer = await handle(() => new Response(endless(cancelled)))
    await answer.body?.cancel()
    expect(cancelled).toEqual([world.a.id])
  })

  it('answers HEAD without a body, and cancels the source', async () => {
    const cancelled: unknown[] = []
    const answer = await handle(() => new Response(endless(cancelled)), { method: 'HEAD' })
    expect(answer.body).toBeNull()
    expect(cancelled).toEqual([world.a.id])
  })

  it('refuses options that are not valid before anything is verified', async () => {
    const wrong = [{ rule: { public: 'ok' } }, { rule: { permission: '' } }, { maxBufferBytes: 0 }]
    for (const options of wrong)
      await expect(handle(() => new Response(), {}, options)).rejects.toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
  })
})
