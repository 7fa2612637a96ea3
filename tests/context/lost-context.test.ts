// What AsyncLocalStorage loses or swaps, so that docs/context.md says what is true, and how to keep it.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { EventEmitter, once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { runWithTenant, tryGetCurrentTenant } from '../../src/context/run-with-tenant.ts'

const a = { tenantId: 'tenant-a', userId: 'ann' }
const b = { tenantId: 'tenant-b', userId: 'bob' }
const who = () => tryGetCurrentTenant()?.tenantId

describe('an emitter listener', () => {
  it('runs in the context of who emits, unless it is bound', () => {
    const emitter = new EventEmitter()
    const seen: unknown[] = []
    runWithTenant(a, () => {
      emitter.on('event', () => seen.push(['bare', who()]))
      emitter.on(
        'event',
        AsyncResource.bind(() => void seen.push(['bound', who()])),
      )
    })
    runWithTenant(b, () => emitter.emit('event'))
    expect(seen).toEqual([
      ['bare', 'tenant-b'],
      ['bound', 'tenant-a'],
    ])
  })
})

describe('an async generator', () => {
  it('runs each step in the context of its caller, unless a snapshot holds it', async () => {
    async function* steps() {
      while (true) yield who()
    }
    const mixed = runWithTenant(a, () => steps())
    expect((await runWithTenant(a, () => mixed.next())).value).toBe('tenant-a')
    expect((await runWithTenant(b, () => mixed.next())).value).toBe('tenant-b')

    const { generator, inside } = runWithTenant(a, () => ({ generator: steps(), inside: AsyncLocalStorage.snapshot() }))
    expect((await runWithTenant(b, () => inside(() => generator.next()))).value).toBe('tenant-a')
  })
})

describe('the end of a request whose body comes later', () => {
  it('carries no context; a captured one does', async () => {
    const seen: unknown[] = []
    const server = createServer((incoming, response) => {
      runWithTenant(a, () => {
        const context = tryGetCurrentTenant()
        incoming.on('end', () => {
          seen.push([who(), context?.tenantId])
          response.end('ok')
        })
        incoming.resume()
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const outgoing = request({ port, host: '127.0.0.1', method: 'POST' })
    const answered = new Promise<void>((resolve) =>
      outgoing.on('response', (answer) => answer.resume().on('end', resolve)),
    )
    outgoing.write('first')
    setTimeout(() => outgoing.end('last'), 30)
    await answered
    server.close()
    expect(seen).toEqual([[undefined, 'tenant-a']])
  })
})
